import { describe, expect, it } from 'vitest'
import { kubernetesEnvironment, outcomeOf, rowsOf } from '#testing/expression-table.ts'

const environment = kubernetesEnvironment()

describe('literals', () => {
  it.each(
    rowsOf(String.raw`
    '\n\t\\\'\"' => "\n\t\\'\""
    "\x41\u00e9\U0001F600\101" => "Aé😀A"
    r'\d+' => "\\d+"
    R"a\n" => "a\\n"
    '''a "b' c''' => "a \"b' c"
    """a ' "b""" => "a ' \"b"
    b'\xff\101' => b'ff41'
    b'é' => b'c3a9'
    'é' => "é"
    '\z' => invalid: 1:1 Syntax error: token recognition error at: ''\z'; 1:4 Syntax error: token recognition error at: '''; 1:5 Syntax error: mismatched input '<EOF>' expecting {'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}
    '\ud800' => invalid: 1:1 invalid unicode code point
    "abc => invalid: 1:1 Syntax error: token recognition error at: '"abc'; 1:5 Syntax error: mismatched input '<EOF>' expecting {'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}
    null => null
    true => true
    [1, 2, 3] => [1, 2, 3]
    [1, 2, 3,] => [1, 2, 3]
    {'a': 1,} => {"a": 1}
    [] => []
    {} => {}
    [dyn(1), dyn('a')] => [1, "a"]
    `),
  )('%s', (expression, expected) => expect(outcomeOf(environment, expression)).toBe(expected))
})

describe('names', () => {
  it.each(
    rowsOf(String.raw`
    int => int
    type(int) => type
    type(1u) => uint
    type(null) => null_type
    type([1]) => list
    type({'a': 1}) => map
    type('') => string
    type(b'') => bytes
    type(duration('1s')) => google.protobuf.Duration
    type(timestamp('2020-01-01T00:00:00Z')) => google.protobuf.Timestamp
    type(type(1)) => type
    string => string
    list => list
    map => map
    dyn => invalid: 1:1 undeclared reference to 'dyn' (in container '')
    foo => invalid: 1:1 undeclared reference to 'foo' (in container '')
    foo.bar => invalid: 1:1 undeclared reference to 'foo' (in container '')
    foo() => invalid: 1:4 undeclared reference to 'foo' (in container '')
    'a'.foo() => invalid: 1:8 undeclared reference to 'foo' (in container '')
    .int => int
    `),
  )('%s', (expression, expected) => expect(outcomeOf(environment, expression)).toBe(expected))
})
