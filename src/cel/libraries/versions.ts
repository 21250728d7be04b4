/** `semver('1.2.3').isLessThan(semver('2.0.0'))` (upstream: `apiserver/pkg/cel/library.SemverLib`, version 1). */
import { EvaluationError } from '../errors.ts'
import { MAX_UINT, makeInt } from '../int64.ts'
import { quoteGo } from '../go-strings.ts'
import { declareFunction, memberOverload, overload } from '../library.ts'
import type { Library } from '../library.ts'
import { BOOL, INT, STRING, objectType } from '../types.ts'
import { Opaque } from '../values.ts'
import type { Int, Result, Value } from '../values.ts'

const SEMVER = objectType('kubernetes.Semver')

/** What is wrong with a version, in the words of the package that upstream uses. */
class VersionError extends Error {}

export class VersionValue extends Opaque {
  readonly type = SEMVER
  /** Major, minor, patch. */
  readonly numbers: readonly bigint[]
  readonly prerelease: readonly string[]
  readonly build: readonly string[]

  constructor(numbers: readonly bigint[], prerelease: readonly string[], build: readonly string[]) {
    super()
    this.numbers = numbers
    this.prerelease = prerelease
    this.build = build
  }

  /** Builds of the same version are equal. */
  equals(other: Value): boolean | EvaluationError {
    if (!(other instanceof VersionValue)) return new EvaluationError('noSuchOverload', 'no such overload')
    return compare(this, other) === 0
  }

  override toString(): string {
    const prerelease = this.prerelease.length > 0 ? `-${this.prerelease.join('.')}` : ''
    const build = this.build.length > 0 ? `+${this.build.join('.')}` : ''
    return `semver(${this.numbers.join('.')}${prerelease}${build})`
  }
}

/** Throws VersionError. */
function parse(text: string): VersionValue {
  if (text === '') throw new VersionError('Version string empty')
  const [major, minor, rest] = splitThree(text)
  if (minor === undefined || rest === undefined) throw new VersionError('No Major.Minor.Patch elements found')
  const numbers = [number('major', 'Major', major!), number('minor', 'Minor', minor)]
  const plus = rest.indexOf('+')
  const build = plus < 0 ? [] : rest.slice(plus + 1).split('.')
  const version = plus < 0 ? rest : rest.slice(0, plus)
  const dash = version.indexOf('-')
  const prerelease = dash < 0 ? [] : version.slice(dash + 1).split('.')
  numbers.push(number('patch', 'Patch', dash < 0 ? version : version.slice(0, dash)))
  for (const part of prerelease) checkPrerelease(part)
  for (const part of build) {
    if (part === '') throw new VersionError('Build meta data is empty')
    if (!/^[0-9A-Za-z-]+$/.test(part))
      throw new VersionError(`Invalid character(s) found in build meta data ${quoteGo(part)}`)
  }
  return new VersionValue(numbers, prerelease, build)
}

/** At the first two dots. */
function splitThree(text: string): string[] {
  const parts = text.split('.')
  return parts.length <= 3 ? parts : [parts[0]!, parts[1]!, parts.slice(2).join('.')]
}

function number(name: string, title: string, text: string): bigint {
  if (!/^\d*$/.test(text)) throw new VersionError(`Invalid character(s) found in ${name} number ${quoteGo(text)}`)
  if (/^0./.test(text)) throw new VersionError(`${title} number must not contain leading zeroes ${quoteGo(text)}`)
  return unsigned(text)
}

function unsigned(text: string): bigint {
  const failed = (why: string) => new VersionError(`strconv.ParseUint: parsing ${quoteGo(text)}: ${why}`)
  if (text === '') throw failed('invalid syntax')
  const value = text.length > 20 ? MAX_UINT + 1n : BigInt(text)
  if (value > MAX_UINT) throw failed('value out of range')
  return value
}

function checkPrerelease(part: string): void {
  if (part === '') throw new VersionError('Prerelease is empty')
  if (/^\d+$/.test(part)) {
    if (/^0./.test(part))
      throw new VersionError(`Numeric PreRelease version must not contain leading zeroes ${quoteGo(part)}`)
    unsigned(part)
  } else if (!/^[0-9A-Za-z-]+$/.test(part))
    throw new VersionError(`Invalid character(s) found in prerelease ${quoteGo(part)}`)
}

/** Throws VersionError. Without a leading `v` and leading zeros, and with zeros for what is missing. */
function parseTolerant(text: string): VersionValue {
  const parts = splitThree(text.replace(/^v/, '')).map((part) => {
    if (part.length <= 1) return part
    const stripped = part.replace(/^0+/, '')
    return /^\d/.test(stripped) ? stripped : `0${stripped}`
  })
  if (parts.length < 3 && /[+-]/.test(parts.at(-1)!))
    throw new VersionError('short version cannot contain PreRelease/Build meta data')
  while (parts.length < 3) parts.push('0')
  return parse(parts.join('.'))
}

type Order = -1 | 0 | 1
const order = <T extends bigint | number | string>(a: T, b: T): Order => (a < b ? -1 : a > b ? 1 : 0)

function compare(a: VersionValue, b: VersionValue): Order {
  for (const [i, value] of a.numbers.entries()) {
    const result = order(value, b.numbers[i]!)
    if (result !== 0) return result
  }
  if (a.prerelease.length === 0 || b.prerelease.length === 0)
    return order(Number(a.prerelease.length === 0), Number(b.prerelease.length === 0))
  for (const [i, part] of a.prerelease.entries()) {
    const other = b.prerelease[i]
    if (other === undefined) return 1
    const result = comparePrerelease(part, other)
    if (result !== 0) return result
  }
  return order(a.prerelease.length, b.prerelease.length)
}

/** Numbers come before words. */
function comparePrerelease(a: string, b: string): Order {
  const [left, right] = [/^\d+$/.test(a), /^\d+$/.test(b)]
  if (left && right) return order(BigInt(a), BigInt(b))
  return left === right ? order(a, b) : left ? -1 : 1
}

function read(text: string, tolerant: boolean): VersionValue | VersionError {
  try {
    return tolerant ? parseTolerant(text) : parse(text)
  } catch (error) {
    if (error instanceof VersionError) return error
    throw error
  }
}

function versionOf(text: string, tolerant = false): Result {
  const version = read(text, tolerant)
  return version instanceof VersionError ? new EvaluationError('function', version.message) : version
}

const isVersion = (text: string, tolerant = false): boolean => read(text, tolerant) instanceof VersionValue

/** Upstream keeps a uint64 and shows it as an int64. */
const part =
  (index: number) =>
  ({ numbers }: VersionValue): Int =>
    makeInt(BigInt.asIntN(64, numbers[index]!))

export const versionLibrary: Library = {
  name: 'semantic versions',
  functions: [
    declareFunction(
      'semver',
      overload('string_to_semver', [STRING], SEMVER, versionOf),
      overload('string_bool_to_semver', [STRING, BOOL], SEMVER, versionOf),
    ),
    declareFunction(
      'isSemver',
      overload('is_semver_string', [STRING], BOOL, isVersion),
      overload('is_semver_string_bool', [STRING, BOOL], BOOL, isVersion),
    ),
    declareFunction(
      'isGreaterThan',
      memberOverload('semver_is_greater_than', [SEMVER, SEMVER], BOOL, (a, b) => compare(a, b) > 0),
    ),
    declareFunction(
      'isLessThan',
      memberOverload('semver_is_less_than', [SEMVER, SEMVER], BOOL, (a, b) => compare(a, b) < 0),
    ),
    declareFunction('compareTo', memberOverload('semver_compare_to', [SEMVER, SEMVER], INT, compare)),
    declareFunction('major', memberOverload('semver_major', [SEMVER], INT, part(0))),
    declareFunction('minor', memberOverload('semver_minor', [SEMVER], INT, part(1))),
    declareFunction('patch', memberOverload('semver_patch', [SEMVER], INT, part(2))),
  ],
}
