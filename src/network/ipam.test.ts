import { mkdtemp, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { seededRandom } from '#base/random.ts'
import { parseCidr } from '#base/ip.ts'
import { AddressesExhaustedError, AddressPool } from './ipam.ts'

let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'ipam-'))
})
afterEach(() => rm(directory, { recursive: true, force: true }))

const pool = (cidr: string, seed = 1) =>
  new AddressPool({ cidr: parseCidr(cidr), directory, random: seededRandom(seed) })

describe('an address pool', () => {
  it('gives every usable address once, and then says that none is left', async () => {
    const p = pool('10.1.0.0/28')
    const given = await Promise.all(Array.from({ length: 13 }, (_, i) => p.allocate(`s${i}`)))
    expect(new Set(given).size).toBe(13)
    expect(given).not.toContain('10.1.0.0')
    expect(given).not.toContain('10.1.0.1')
    expect(given).not.toContain('10.1.0.15')
    await expect(p.allocate('late')).rejects.toThrow(AddressesExhaustedError)
    await p.release('s4')
    expect(await p.allocate('late')).toBe(given[4])
  })

  it('gives an owner the same address again, after a restart too', async () => {
    const ip = await pool('10.1.0.0/24').allocate('a')
    expect(await pool('10.1.0.0/24', 2).allocate('a')).toBe(ip)
  })

  it('shares its directory with other processes', async () => {
    const one = pool('10.1.0.0/29', 1)
    const two = pool('10.1.0.0/29', 1)
    await Promise.all([one.owners(), two.owners()])
    const given = await Promise.all([
      one.allocate('a'),
      two.allocate('b'),
      one.allocate('c'),
      two.allocate('d'),
      one.allocate('e'),
    ])
    expect(new Set(given).size).toBe(5)
    await expect(two.allocate('f')).rejects.toThrow(AddressesExhaustedError)
    await one.release('a')
    expect(await two.allocate('f')).toBe(given[0])
  })

  it('does not hand out a freed address at once', async () => {
    const p = pool('10.1.0.0/24')
    const first = await p.allocate('a')
    await p.release('a')
    expect(await p.allocate('b')).not.toBe(first)
  })

  it('frees what dead owners left, and nothing else', async () => {
    const p = pool('10.1.0.0/24')
    const alive = await p.allocate('alive')
    await p.allocate('dead')
    await symlink('x', join(directory, '10.1.0.0_24', 'not-an-address'))
    expect(await p.reconcile((owner) => owner === 'alive')).toBe(1)
    expect(await p.owners()).toEqual(new Map([[alive, 'alive']]))
  })

  it('serves IPv6 ranges', async () => {
    const p = pool('fd00:1::/64')
    expect(p.gateway).toBe('fd00:1::1')
    expect(await p.allocate('a')).toMatch(/^fd00:1::/)
  })

  it('refuses ranges without room for a pod', () => {
    expect(() => pool('10.0.0.0/31')).toThrow(RangeError)
  })
})
