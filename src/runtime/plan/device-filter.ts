/**
 * Device rules as an eBPF program (BPF_PROG_TYPE_CGROUP_DEVICE), which is how cgroup v2 limits devices. The last rule that
 * covers a request decides, as in the OCI runtime specification; what no rule covers is refused.
 */
import type { OciDeviceRule } from '#contracts/oci/runtime-spec.ts'

const TYPES = { b: 1, c: 2 } as const
const ACCESS: Record<string, number> = { m: 1, r: 2, w: 4 }

const LOAD_WORD = 0x61
const MOV_REGISTER = 0xbf
const MOV_IMMEDIATE = 0xb4
const AND_IMMEDIATE = 0x54
const SHIFT_RIGHT = 0x74
const JUMP_IF_NOT = 0x55
const EXIT = 0x95

// The context is { access << 16 | type, major, minor }.
const [RESULT, CONTEXT, TYPE, ASKED, MAJOR, MINOR] = [0, 1, 2, 3, 4, 5]

export function compileDeviceRules(rules: readonly OciDeviceRule[]): Buffer {
  const program: Buffer[] = [
    instruction(LOAD_WORD, TYPE, CONTEXT, 0),
    instruction(MOV_REGISTER, ASKED, TYPE),
    instruction(AND_IMMEDIATE, TYPE, 0, 0, 0xffff),
    instruction(SHIFT_RIGHT, ASKED, 0, 0, 16),
    instruction(LOAD_WORD, MAJOR, CONTEXT, 4),
    instruction(LOAD_WORD, MINOR, CONTEXT, 8),
  ]
  // The kernel refuses programs with code that is never reached: nothing may follow a rule that covers everything.
  const last = rules.findLastIndex(({ type = 'a', access = 'rwm' }) => type === 'a' && access.length === 3)
  for (const rule of rules.slice(Math.max(last, 0)).toReversed()) program.push(...compileRule(rule))
  if (last < 0) program.push(instruction(MOV_IMMEDIATE, RESULT, 0, 0, 0), instruction(EXIT))
  return Buffer.concat(program)
}

function compileRule({ allow, type = 'a', major, minor, access = 'rwm' }: OciDeviceRule): Buffer[] {
  const mask = [...access].reduce((sum, letter) => sum | (ACCESS[letter] ?? 0), 0)
  const checks: ((skip: number) => Buffer[])[] = []
  if (type !== 'a') checks.push((skip) => [instruction(JUMP_IF_NOT, TYPE, 0, skip, TYPES[type])])
  if (mask !== 7) {
    // Everything that is asked for must be covered. The context is not needed any more.
    checks.push((skip) => [
      instruction(MOV_REGISTER, CONTEXT, ASKED),
      instruction(AND_IMMEDIATE, CONTEXT, 0, 0, 7 & ~mask),
      instruction(JUMP_IF_NOT, CONTEXT, 0, skip, 0),
    ])
  }
  if (type !== 'a' && major !== undefined) checks.push((skip) => [instruction(JUMP_IF_NOT, MAJOR, 0, skip, major)])
  if (type !== 'a' && minor !== undefined) checks.push((skip) => [instruction(JUMP_IF_NOT, MINOR, 0, skip, minor)])
  const code = [instruction(MOV_IMMEDIATE, RESULT, 0, 0, allow ? 1 : 0), instruction(EXIT)]
  // Backwards: each check jumps over all that follows it.
  for (const check of checks.toReversed()) code.unshift(...check(code.length))
  return code
}

function instruction(opcode: number, destination = 0, source = 0, offset = 0, immediate = 0): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeUInt8(opcode, 0)
  bytes.writeUInt8((source << 4) | destination, 1)
  bytes.writeInt16LE(offset, 2)
  bytes.writeInt32LE(immediate | 0, 4)
  return bytes
}
