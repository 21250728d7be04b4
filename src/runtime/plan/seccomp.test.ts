import { describe, expect, it } from 'vitest'
import type { OciSeccomp } from '#contracts/oci/runtime-spec.ts'
import { compileSeccomp, InvalidSeccompError } from './seccomp.ts'
import { defaultSeccomp } from './seccomp-profile.ts'
import { ARCHITECTURES } from './syscall-numbers.ts'

const ALLOW = 0x7fff_0000
const EPERM = 0x0005_0001
const ENOSYS = 0x0005_0026

/** What the kernel does with the program: runs it on one system call. */
function run(filter: Buffer, nr: number, args: (number | bigint)[] = [], arch = ARCHITECTURES.x64!.audit): number {
  const data = Buffer.alloc(64)
  data.writeUInt32LE(nr, 0)
  data.writeUInt32LE(arch, 4)
  for (const [i, arg] of args.entries()) data.writeBigUInt64LE(BigInt.asUintN(64, BigInt(arg)), 16 + i * 8)
  let a = 0
  for (let pc = 0; pc < filter.length / 8; pc++) {
    const at = pc * 8
    const [code, jt, jf, k] = [filter.readUInt16LE(at), filter[at + 2]!, filter[at + 3]!, filter.readUInt32LE(at + 4)]
    if (code === 0x20) a = data.readUInt32LE(k)
    else if (code === 0x54) a = (a & k) >>> 0
    else if (code === 0x05) pc += k
    else if (code === 0x15) pc += a === k ? jt : jf
    else if (code === 0x25) pc += a > k ? jt : jf
    else if (code === 0x35) pc += a >= k ? jt : jf
    else if (code === 0x06) return k
    else throw new Error(`unknown instruction ${code}`)
  }
  throw new Error('the program ran past its end')
}

describe('seccomp', () => {
  it.each(['x64', 'arm64'])('answers every call of %s as the profile says', (name) => {
    const arch = ARCHITECTURES[name]!
    const profile = defaultSeccomp(['CAP_SYS_CHROOT'])
    const { filter } = compileSeccomp(profile, name)
    const plain = new Set(
      profile.syscalls!.filter((r) => !r.args && r.action === 'SCMP_ACT_ALLOW').flatMap((r) => r.names),
    )
    const conditional = new Set(
      profile.syscalls!.filter((r) => r.args || r.action !== 'SCMP_ACT_ALLOW').flatMap((r) => r.names),
    )
    for (const [call, nr] of arch.numbers) {
      if (!conditional.has(call))
        expect([call, run(filter, nr, [], arch.audit)]).toEqual([call, plain.has(call) ? ALLOW : EPERM])
    }
    expect(run(filter, 100_000, [], arch.audit)).toBe(EPERM)
  })

  it('lets threads be made, but no namespaces, and hides clone3', () => {
    const { numbers } = ARCHITECTURES.x64!
    const { filter } = compileSeccomp(defaultSeccomp([]), 'x64')
    expect(run(filter, numbers.get('clone')!, [0x3d0f00])).toBe(ALLOW)
    expect(run(filter, numbers.get('clone')!, [0x1000_0000])).toBe(EPERM)
    expect(run(filter, numbers.get('clone3')!)).toBe(ENOSYS)
    expect(run(filter, numbers.get('unshare')!)).toBe(EPERM)
    const admin = compileSeccomp(defaultSeccomp(['CAP_SYS_ADMIN']), 'x64').filter
    expect(run(admin, numbers.get('clone')!, [0x1000_0000])).toBe(ALLOW)
    expect(run(admin, numbers.get('mount')!)).toBe(ALLOW)
  })

  it('refuses calls of another architecture', () => {
    const { filter } = compileSeccomp(defaultSeccomp([]), 'x64')
    expect(run(filter, 0, [], 0x4000_0003)).toBe(EPERM)
  })

  it.each([
    ['SCMP_CMP_EQ', 5n, [5n], [4n, 6n, 5n + (1n << 32n)]],
    ['SCMP_CMP_NE', 5n, [4n, 6n, 5n + (1n << 32n)], [5n]],
    ['SCMP_CMP_GT', 1n << 33n, [(1n << 33n) + 1n, 1n << 40n], [1n << 33n, 7n]],
    ['SCMP_CMP_GE', 1n << 33n, [1n << 33n, 1n << 40n], [(1n << 33n) - 1n, 7n]],
    ['SCMP_CMP_LT', 1n << 33n, [7n, (1n << 33n) - 1n], [1n << 33n, 1n << 40n]],
    ['SCMP_CMP_LE', 1n << 33n, [7n, 1n << 33n], [(1n << 33n) + 1n, 1n << 40n]],
  ] as const)('compares with %s over all 64 bits', (op, value, yes, no) => {
    const profile: OciSeccomp = {
      defaultAction: 'SCMP_ACT_ERRNO',
      syscalls: [{ names: ['read'], action: 'SCMP_ACT_ALLOW', args: [{ index: 1, value: Number(value), op }] }],
    }
    const { filter } = compileSeccomp(profile, 'x64')
    for (const arg of yes) expect(run(filter, 0, [0, arg])).toBe(ALLOW)
    for (const arg of no) expect(run(filter, 0, [0, arg])).toBe(EPERM)
  })

  it('names what it does not know', () => {
    expect(() => compileSeccomp({ defaultAction: 'SCMP_ACT_NOTIFY' }, 'x64')).toThrow(InvalidSeccompError)
  })
})
