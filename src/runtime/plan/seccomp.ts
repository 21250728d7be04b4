/**
 * Compiles an OCI seccomp profile to the BPF program that the kernel runs at every system call. The allowed numbers become
 * ranges searched by bisection; calls with conditions on their arguments get a small program of their own. A process of
 * another architecture (32-bit programs, x32) gets the profile's default action.
 */
import type { OciSeccomp } from '#contracts/oci/runtime-spec.ts'
import type { Architecture } from './syscall-numbers.ts'
import { ARCHITECTURES } from './syscall-numbers.ts'

interface Instruction {
  code: number
  jt: number
  jf: number
  k: number
}

const LD_ABS = 0x20
const JMP_JA = 0x05
const JEQ = 0x15
const JGT = 0x25
const JGE = 0x35
const AND = 0x54
const RET = 0x06
const OFFSET_NR = 0
const OFFSET_ARCH = 4
const OFFSET_ARGS = 16

const ACTIONS: Record<string, number> = {
  SCMP_ACT_KILL: 0x0000_0000,
  SCMP_ACT_KILL_THREAD: 0x0000_0000,
  SCMP_ACT_KILL_PROCESS: 0x8000_0000,
  SCMP_ACT_TRAP: 0x0003_0000,
  SCMP_ACT_ERRNO: 0x0005_0000,
  SCMP_ACT_TRACE: 0x7ff0_0000,
  SCMP_ACT_LOG: 0x7ffc_0000,
  SCMP_ACT_ALLOW: 0x7fff_0000,
}
const FLAGS: Record<string, number> = {
  SECCOMP_FILTER_FLAG_TSYNC: 1,
  SECCOMP_FILTER_FLAG_LOG: 2,
  SECCOMP_FILTER_FLAG_SPEC_ALLOW: 4,
}
const EPERM = 1

type Rule = NonNullable<OciSeccomp['syscalls']>[number]
type Condition = NonNullable<Rule['args']>[number]

/** The profile names an action or comparison that this runtime does not know. */
export class InvalidSeccompError extends Error {
  override readonly name = 'InvalidSeccompError'
}

export function compileSeccomp(profile: OciSeccomp, arch: string = process.arch): { filter: Buffer; flags: number } {
  const architecture = ARCHITECTURES[arch]
  if (!architecture) throw new InvalidSeccompError(`seccomp is not supported on ${arch}`)
  const fallback = action(profile.defaultAction, profile.defaultErrnoRet)
  const body = bisect(segments(profile, architecture, fallback))
  const program = [
    instruction(LD_ABS, OFFSET_ARCH),
    instruction(JEQ, architecture.audit, 1, 0),
    instruction(RET, fallback),
    instruction(LD_ABS, OFFSET_NR),
    ...body,
  ]
  if (program.length > 4096)
    throw new InvalidSeccompError(`the profile needs ${program.length} instructions, the kernel takes 4096`)
  const filter = Buffer.alloc(program.length * 8)
  for (const [i, { code, jt, jf, k }] of program.entries()) {
    filter.writeUInt16LE(code, i * 8)
    filter.writeUInt8(jt, i * 8 + 2)
    filter.writeUInt8(jf, i * 8 + 3)
    filter.writeUInt32LE(k, i * 8 + 4)
  }
  const flags = (profile.flags ?? []).reduce((sum, name) => sum | (FLAGS[name] ?? 0), 0)
  return { filter, flags }
}

function action(name: string, errno = EPERM): number {
  const value = ACTIONS[name]
  if (value === undefined) throw new InvalidSeccompError(`unknown or unsupported seccomp action "${name}"`)
  return name === 'SCMP_ACT_ERRNO' || name === 'SCMP_ACT_TRACE' ? (value | (errno & 0xffff)) >>> 0 : value
}

interface Segment {
  from: number
  code: Instruction[]
}

/** The whole range of numbers cut where the answer changes, ascending from 0. */
function segments(profile: OciSeccomp, { numbers }: Architecture, fallback: number): Segment[] {
  const rules = new Map<number, Rule[]>()
  for (const rule of profile.syscalls ?? []) {
    for (const name of rule.names) {
      const number = numbers.get(name)
      // Names of other architectures or newer kernels are no mistake.
      if (number !== undefined) rules.set(number, [...(rules.get(number) ?? []), rule])
    }
  }
  const answer = (number: number) => {
    const list = rules.get(number)
    return list ? conditional(list, fallback) : [instruction(RET, fallback)]
  }
  const cuts = [0, ...[...rules.keys()].flatMap((number) => [number, number + 1])]
  const result: Segment[] = []
  let last = ''
  for (const from of [...new Set(cuts)].toSorted((a, b) => a - b)) {
    const code = answer(from)
    const text = JSON.stringify(code)
    if (text !== last) result.push({ from, code })
    last = text
  }
  return result
}

/** Rules of one system call: the first whose conditions all hold decides. */
function conditional(rules: readonly Rule[], fallback: number): Instruction[] {
  const code: Instruction[] = []
  // A rule without conditions decides for all that the others leave.
  const ordered = [...rules.filter((r) => r.args?.length), ...rules.filter((r) => !r.args?.length).slice(0, 1)]
  for (const rule of ordered) {
    const result = instruction(RET, action(rule.action, rule.errnoRet))
    if (!rule.args?.length) return [...code, result]
    const checks: Instruction[] = []
    // Backwards, because a failed check jumps over everything after it.
    for (const condition of rule.args.toReversed()) checks.unshift(...check(condition, checks.length + 1))
    code.push(...checks, result)
  }
  return [...code, instruction(RET, fallback)]
}

/** Falls through when the condition holds; otherwise jumps over `rest` instructions after it. */
function check({ index, value, valueTwo = 0, op }: Condition, rest: number): Instruction[] {
  const word = (n: bigint | number, high: boolean) =>
    Number((BigInt.asUintN(64, BigInt(n)) >> (high ? 32n : 0n)) & 0xffff_ffffn)
  const low = instruction(LD_ABS, OFFSET_ARGS + index * 8)
  const high = instruction(LD_ABS, OFFSET_ARGS + index * 8 + 4)
  const [h, l] = [word(value, true), word(value, false)]
  switch (op) {
    case 'SCMP_CMP_EQ':
      return [high, instruction(JEQ, h, 0, rest + 2), low, instruction(JEQ, l, 0, rest)]
    case 'SCMP_CMP_NE':
      return [high, instruction(JEQ, h, 0, 2), low, instruction(JEQ, l, rest, 0)]
    case 'SCMP_CMP_MASKED_EQ':
      return [
        high,
        instruction(AND, h),
        instruction(JEQ, word(valueTwo, true), 0, rest + 3),
        low,
        instruction(AND, l),
        instruction(JEQ, word(valueTwo, false), 0, rest),
      ]
    case 'SCMP_CMP_GT':
    case 'SCMP_CMP_GE':
      return [
        high,
        instruction(JGT, h, 3, 0),
        instruction(JEQ, h, 0, rest + 2),
        low,
        instruction(op === 'SCMP_CMP_GT' ? JGT : JGE, l, 0, rest),
      ]
    case 'SCMP_CMP_LT':
    case 'SCMP_CMP_LE':
      return [
        high,
        instruction(JGT, h, rest + 3, 0),
        instruction(JEQ, h, 0, 2),
        low,
        instruction(op === 'SCMP_CMP_LE' ? JGT : JGE, l, rest, 0),
      ]
    default:
      throw new InvalidSeccompError(`unknown seccomp comparison "${op}"`)
  }
}

/** Binary search; the accumulator holds the number until an answer loads something else. */
function bisect(list: readonly Segment[]): Instruction[] {
  if (list.length === 1) return list[0]!.code
  const middle = list.length >> 1
  const left = bisect(list.slice(0, middle))
  const right = bisect(list.slice(middle))
  const pivot = list[middle]!.from
  if (left.length <= 255) return [instruction(JGE, pivot, left.length, 0), ...left, ...right]
  return [instruction(JGE, pivot, 0, 1), instruction(JMP_JA, left.length), ...left, ...right]
}

function instruction(code: number, k: number, jt = 0, jf = 0): Instruction {
  if (jt > 255 || jf > 255) throw new InvalidSeccompError('the profile has too many conditions for one system call')
  return { code, jt, jf, k: k >>> 0 }
}
