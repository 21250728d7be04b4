import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type NftFragment, NftTable } from './nft-table.ts'
import { RecordingHost } from './recording-host.ts'

/** A table as a reader of the scripts sees it; throws where the kernel would refuse the transaction. */
class Kernel {
  sets = new Map<string, Map<string, string>>()
  chains = new Map<string, string[]>()
  exists = false

  apply(script: string) {
    const trial = structuredClone({ sets: this.sets, chains: this.chains, exists: this.exists })
    for (const line of script.split('\n')) if (line !== '') step(trial, line)
    Object.assign(this, trial)
  }
}

function step(k: Pick<Kernel, 'sets' | 'chains' | 'exists'>, line: string) {
  const [verb, what, , , name = ''] = line.split(' ')
  const rest = line.split(' ').slice(5).join(' ')
  const need = <T>(value: T | undefined): T => {
    if (value === undefined) throw new Error(`refused: ${line}`)
    return value
  }
  const content = rest.replace(/^\{ | \}$/g, '').split(', ')
  const actions: Record<string, () => void> = {
    'add table': () => (k.exists = true),
    'delete table': () => {
      k.exists = false
      k.sets.clear()
      k.chains.clear()
    },
    'add set': () => k.sets.has(name) || k.sets.set(name, new Map()),
    'add map': () => k.sets.has(name) || k.sets.set(name, new Map()),
    'add chain': () => k.chains.has(name) || k.chains.set(name, []),
    'flush chain': () => void need(k.chains.get(name)).splice(0),
    'delete chain': () => {
      need(k.chains.get(name))
      const used = [...k.chains.values()].flat().concat([...k.sets.values()].flatMap((s) => [...s.values()]))
      if (used.some((u) => u === `goto ${name}`)) throw new Error(`busy: ${line}`)
      k.chains.delete(name)
    },
    'delete set': () => void (need(k.sets.get(name)), k.sets.delete(name)),
    'add rule': () => void need(k.chains.get(name)).push(rest),
    'add element': () => {
      const set = need(k.sets.get(name))
      for (const element of content) {
        const [key, value = ''] = element.split(' : ')
        if (set.has(key!) && set.get(key!) !== value) throw new Error(`exists: ${element}`)
        const chain = /^goto (.*)$/.exec(value)?.[1]
        if (chain) need(k.chains.get(chain))
        set.set(key!, value)
      }
    },
    'delete element': () => {
      const set = need(k.sets.get(name))
      for (const key of content) {
        need(set.get(key))
        set.delete(key)
      }
    },
  }
  need(actions[`${verb} ${what}`])()
}

const base: NftFragment = {
  sets: { m: { kind: 'map', definition: 'x' }, s: { kind: 'set', definition: 'y' } },
  chains: { main: ['vmap @m'] },
}

/** A service: a chain of its own, a key in the map that leads to it, and something in a set that others may add as well. */
const fragment = fc.record({ key: fc.nat(3), rule: fc.nat(3), shared: fc.nat(2) })
const owner = fc.nat(4).map((n) => `o${n}`)
const change = fc.record({
  owner,
  fragment: fc.option(fragment, { nil: undefined }),
  commit: fc.boolean(),
  sweep: fc.boolean(),
  fail: fc.boolean(),
})

describe('a table', () => {
  it('is always brought to what its owners want, in transactions that the kernel takes', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(change, { maxLength: 25 }), async (changes) => {
        const host = new RecordingHost()
        const kernel = new Kernel()
        const table = new NftTable(host, 'ip', 't')
        table.set('base', base)
        const wanted = new Map<string, { key: number; rule: number; shared: number }>()
        for (const { owner: name, fragment: f, commit, sweep, fail } of [
          ...changes,
          { owner: 'o0', fragment: undefined, commit: true, sweep: true, fail: false },
        ]) {
          if (f) wanted.set(name, f)
          else wanted.delete(name)
          table.set(
            name,
            f && {
              chains: { [name]: [`rule ${f.rule}`] },
              elements: { m: { [`k${f.key}`]: `goto ${name}` }, s: { [`e${f.shared}`]: '' } },
            },
          )
          if (!commit) continue
          if (fail) host.failNft = new Error('refused')
          await table.commit().catch(() => {})
          if (sweep) await table.sweep().catch(() => {})
          for (const script of host.scripts.splice(0)) kernel.apply(script)
        }
        host.failNft = undefined
        await table.commit()
        for (const script of host.scripts.splice(0)) kernel.apply(script)
        for (const [name, f] of wanted) expect(kernel.chains.get(name)).toEqual([`rule ${f.rule}`])
        const keys = new Set([...wanted.values()].map((f) => `k${f.key}`))
        expect(new Set(kernel.sets.get('m')!.keys())).toEqual(keys)
        for (const [key, verdict] of kernel.sets.get('m')!) expect(`k${wanted.get(verdict.slice(5))?.key}`).toBe(key)
        expect(new Set(kernel.sets.get('s')!.keys())).toEqual(new Set([...wanted.values()].map((f) => `e${f.shared}`)))
      }),
      { numRuns: 200 },
    )
  })

  it('costs nothing when nothing changed', async () => {
    const host = new RecordingHost()
    const table = new NftTable(host, 'ip', 't')
    table.set('base', base)
    await table.commit()
    await table.commit()
    expect(host.scripts).toHaveLength(1)
  })

  it('touches only the chain that changed', async () => {
    const host = new RecordingHost()
    const table = new NftTable(host, 'ip', 't')
    table.set('base', base)
    table.set('a', { chains: { a: ['rule 1'] } })
    table.set('b', { chains: { b: ['rule 1'] } })
    await table.commit()
    table.set('a', { chains: { a: ['rule 2'] } })
    await table.commit()
    expect(host.scripts[1]).toBe('flush chain ip t a\nadd rule ip t a rule 2\n')
  })
})
