import { describe, expect, it } from 'vitest'
import { compileDeviceRules } from './device-filter.ts'
import { defaultDeviceRules } from './devices.ts'

/** What the kernel does with the program: 1 permits. */
function run(program: Buffer, type: 'b' | 'c', major: number, minor: number, access: string): number {
  const asked = [...access].reduce((sum, letter) => sum | { m: 1, r: 2, w: 4 }[letter]!, 0)
  const context = [(asked << 16) | { b: 1, c: 2 }[type], major, minor]
  const r = Array.from({ length: 10 }, () => 0)
  for (let pc = 0; ; pc++) {
    const [code, registers] = [program[pc * 8]!, program[pc * 8 + 1]!]
    const [offset, k] = [program.readInt16LE(pc * 8 + 2), program.readInt32LE(pc * 8 + 4)]
    const [to, from] = [registers & 15, registers >> 4]
    if (code === 0x61) r[to] = context[offset / 4]!
    else if (code === 0xbf) r[to] = r[from]!
    else if (code === 0xb4) r[to] = k
    else if (code === 0x54) r[to] = r[to]! & k
    else if (code === 0x74) r[to] = r[to]! >>> k
    else if (code === 0x55) pc += r[to] === k ? 0 : offset
    else if (code === 0x95) return r[0]!
    else throw new Error(`unknown instruction ${code}`)
  }
}

describe('device filter', () => {
  it('permits the default devices and mknod of any, and no use of the host disk', () => {
    const program = compileDeviceRules(defaultDeviceRules())
    expect(run(program, 'c', 1, 3, 'rw')).toBe(1)
    expect(run(program, 'c', 136, 7, 'rw')).toBe(1)
    expect(run(program, 'b', 8, 0, 'm')).toBe(1)
    expect(run(program, 'b', 8, 0, 'r')).toBe(0)
    expect(run(program, 'b', 8, 0, 'rm')).toBe(0)
    expect(run(program, 'c', 1, 1, 'r')).toBe(0)
  })

  it('lets the last rule that covers the request decide', () => {
    const program = compileDeviceRules([
      { allow: true, type: 'a' },
      { allow: false, type: 'b', major: 8, access: 'w' },
    ])
    expect(run(program, 'b', 8, 1, 'r')).toBe(1)
    expect(run(program, 'b', 8, 1, 'w')).toBe(0)
    expect(run(program, 'b', 9, 1, 'w')).toBe(1)
  })
})
