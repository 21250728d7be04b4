/**
 * Several managers apply, update and take away fields of one object, in any order: built-in kinds and custom ones, and their
 * statuses. Values and owners are what a model says that knows nothing but fields, which makes this a test of what users
 * rely upon: an apply conflicts exactly where it would change what is others', force takes that over, what nobody applies
 * any more goes, doing the same again changes nothing, and whoever writes a status owns nothing else.
 */
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { defineResource, kind, type KubeObject, type Resource } from '#api/kind.ts'
import { configMaps, deployments, services } from '#api/resources.ts'
import { systemClock } from '#base/clock.ts'
import { isStatus } from '#machinery/status-error.ts'
import { thingDefinition } from '#testing/apply-facts/custom.ts'
import { establish } from '#testing/custom-definition.ts'
import { startTestServer, type TestServer } from '#testing/test-server.ts'
import { type FieldSet, has } from './field-set.ts'
import { pathText } from './path-element.ts'

/** A field that may have one of two values; a member of a set is there or not. */
interface Place {
  readonly path: readonly string[]
  readonly values: readonly unknown[]
  /** It is in an element of a list, of which it is the only place. Elements have owners, too, and go with the last one. */
  readonly isInElement?: boolean
}

interface Subject {
  readonly resource: Resource
  /**
   * What is there from the start, and has nothing to do with the places: something in all that they share, for whoever makes
   * a map or a list owns that, too.
   */
  readonly base: object
  readonly places: readonly Place[]
}

const place = (path: string, ...values: unknown[]): Place => ({ path: path.split(' '), values })
const inElement = (path: string, ...values: unknown[]): Place => ({ ...place(path, ...values), isInElement: true })
const [metaLabel, present] = ['f:metadata f:labels f:x', true]

const things = defineResource(kind('facts.example.com', 'v1', 'Thing', '', {}), 'things', {
  namespaced: true,
}) as unknown as Resource
const container = 'f:spec f:template f:spec f:containers k:{"name":"a"}'

const subjects: readonly Subject[] = [
  {
    resource: configMaps,
    base: { data: { base: '1' } },
    places: [place('f:data f:a', '1', '2'), place('f:data f:b', '1', '2'), place(metaLabel, '1', '2')],
  },
  {
    resource: deployments,
    base: {
      spec: {
        selector: { matchLabels: { a: 'b' } },
        template: {
          metadata: { labels: { a: 'b' } },
          spec: { containers: [{ name: 'a', image: 'i', env: [{ name: 'BASE' }] }] },
        },
      },
    },
    places: [
      inElement(`${container} f:env k:{"name":"X"} f:value`, '1', '2'),
      place(`${container} f:command`, ['a'], ['b', 'c']),
      place('f:spec f:template f:spec f:nodeSelector', { a: '1' }, { b: '1' }),
      place('f:spec f:minReadySeconds', 1, 2),
      place(metaLabel, '1', '2'),
      place('f:status f:observedGeneration', 1, 2),
    ],
  },
  {
    resource: services,
    base: { spec: { clusterIP: 'None', ports: [{ port: 80 }] } },
    places: [
      place('f:spec f:selector', { a: '1' }, { b: '1' }),
      place('f:spec f:externalIPs', ['192.0.2.1'], ['192.0.2.2', '192.0.2.3']),
      place(metaLabel, '1', '2'),
    ],
  },
  {
    resource: things,
    base: { spec: { set: ['base'], map: [{ name: 'base' }], labels: { base: '1' }, free: { base: 1 } } },
    places: [
      place('f:spec f:text', '1', '2'),
      place('f:spec f:set v:"x"', present),
      place('f:spec f:set v:"y"', present),
      inElement('f:spec f:map k:{"name":"p","protocol":"TCP"} f:port', 1, 2),
      inElement('f:spec f:map k:{"name":"p","protocol":"UDP"} f:port', 1, 2),
      place('f:spec f:whole', { q: '1' }, { r: '1' }),
      place('f:spec f:labels f:l', '1', '2'),
      inElement('f:spec f:free f:a f:b', 1, 'x'),
      place('f:status f:phase', '1', '2'),
      place('f:status f:replicas', 1, 2),
    ],
  },
]

let server: TestServer
let made = 0

beforeAll(async () => {
  // All in one moment: managers are sorted by time, and a write that changes no more than that order is written, as upstream
  // writes it.
  const startMs = systemClock.now()
  server = await startTestServer({ clock: { ...systemClock, now: () => startMs } })
  await establish(server, thingDefinition)
})
afterAll(() => server.close())

type Json = Record<string, unknown>

const keysOf = (element: string) => JSON.parse(element.slice(2)) as Json
const isAt = (element: string) => (item: unknown) =>
  element.startsWith('v:')
    ? item === keysOf(element)
    : Object.entries(keysOf(element)).every(([key, value]) => (item as Json)[key] === value)

/** Sets the value at a path of an object, with all that leads there. */
function put(object: Json, [element, ...rest]: readonly string[], value: unknown) {
  const name = element!.slice(2)
  const [next] = rest
  if (next === undefined) object[name] = value
  else if (next.startsWith('f:')) put((object[name] ??= {}) as Json, rest, value)
  else {
    const list = (object[name] ??= []) as unknown[]
    let item = list.find(isAt(next))
    if (item === undefined) list.push((item = keysOf(next)))
    if (next.startsWith('k:')) put(item as Json, rest.slice(1), value)
  }
}

function read(object: unknown, [element, ...rest]: readonly string[]): unknown {
  if (element === undefined || object === undefined) return object
  if (element.startsWith('f:')) return read((object as Json)[element.slice(2)], rest)
  const item = (object as unknown[]).find(isAt(element))
  return element.startsWith('v:') ? item !== undefined || undefined : read(item, rest)
}

/** Which value is where, by the numbers of places. */
type Choice = ReadonlyMap<number, unknown>

interface Write {
  readonly does: 'apply' | 'update'
  readonly manager: string
  readonly subresource: '' | 'status'
  readonly choice: Choice
  readonly force: boolean
}

function writesTo({ places }: Subject): fc.Arbitrary<Write> {
  const chosen = fc.tuple(...places.map(({ values }) => fc.option(fc.constantFrom(...values), { nil: undefined })))
  const hasStatus = places.some(isOfStatus)
  return fc.record({
    does: fc.constantFrom('apply', 'apply', 'update'),
    manager: fc.constantFrom('one', 'two', 'three'),
    subresource: hasStatus ? fc.constantFrom('', '', 'status') : fc.constant(''),
    choice: chosen.map((values) => new Map([...values.entries()].filter(([, value]) => value !== undefined))),
    force: fc.boolean(),
  })
}

const isOfStatus = ({ path }: Place) => path[0] === 'f:status'

/** As conflicts name somebody. */
const ownerText = (apiVersion: string, manager = '', operation = '', subresource = '') =>
  JSON.stringify(manager) +
  (subresource && ` with subresource ${JSON.stringify(subresource)}`) +
  (operation === 'Update' ? ` using ${apiVersion}` : '')

type Owners = Map<number, Set<string>>

/** What ought to come of writes. */
class Model {
  readonly #subject: Subject
  readonly values = new Map<number, unknown>()
  readonly owners: Owners = new Map()
  /** Who owns the elements of lists that places are in. */
  readonly #elements: Owners = new Map()

  constructor(subject: Subject) {
    this.#subject = subject
  }

  /** What of a choice a subresource has a say in. */
  #part(subresource: string, choice: Choice): Map<number, unknown> {
    const { places } = this.#subject
    return new Map([...choice].filter(([i]) => isOfStatus(places[i]!) === (subresource === 'status')))
  }

  #differs(i: number, value: unknown): boolean {
    return JSON.stringify(this.values.get(i)) !== JSON.stringify(value)
  }

  /** Returns the conflicts for which it is refused. */
  apply({ manager, subresource, choice, force }: Write): string[] {
    const { places, resource } = this.#subject
    const by = ownerText(resource.apiVersion, manager, 'Apply', subresource)
    const wanted = this.#part(subresource, choice)
    const conflicts = [...wanted].flatMap(([i, value]) => {
      if (!this.values.has(i) || !this.#differs(i, value)) return []
      const others = [...this.owners.get(i)!].filter((owner) => owner !== by)
      return others.map((owner) => `${pathText(places[i]!.path)}: conflict with ${owner}`)
    })
    if (conflicts.length > 0 && !force) return conflicts.sort()
    for (const i of places.keys()) {
      if (wanted.has(i)) continue
      if (loses(this.#elements, i, by) || loses(this.owners, i, by)) this.#remove(i, !this.#elements.has(i))
    }
    for (const [i, value] of wanted) {
      const owners = this.#differs(i, value) ? new Set<string>() : this.owners.get(i)!
      this.owners.set(i, owners.add(by))
      this.values.set(i, value)
      if (places[i]!.isInElement) this.#elements.set(i, (this.#elements.get(i) ?? new Set()).add(by))
    }
    return []
  }

  #remove(i: number, withElement: boolean) {
    this.values.delete(i)
    this.owners.delete(i)
    if (withElement) this.#elements.delete(i)
  }

  /** A replacement by something that has the choice in its places, and nothing in the others. */
  update({ manager, subresource, choice }: Write) {
    const wanted = this.#part(subresource, choice)
    const { places, resource } = this.#subject
    const all = new Map(places.map(({ values }, i) => [i, values]))
    for (const i of this.#part(subresource, all).keys()) if (!wanted.has(i)) this.#remove(i, true)
    for (const [i, value] of wanted) {
      if (!this.#differs(i, value)) continue
      const by = ownerText(resource.apiVersion, manager, 'Update', subresource)
      this.values.set(i, value)
      this.owners.set(i, new Set([by]))
      if (places[i]!.isInElement && !this.#elements.has(i)) this.#elements.set(i, new Set([by]))
    }
  }
}

/** Takes away an owner. Returns whether it was the last one. */
function loses(owners: Owners, i: number, by: string): boolean {
  const of = owners.get(i)
  if (!of?.delete(by) || of.size > 0) return false
  owners.delete(i)
  return true
}

/** The real thing: an object that the API server keeps. */
class Kept {
  readonly #subject: Subject
  readonly #name = `object-${made++}`
  live!: KubeObject

  constructor(subject: Subject) {
    this.#subject = subject
  }

  #body(choice: Choice, more?: object) {
    const { apiVersion, kind: named } = this.#subject.resource
    const metadata = { namespace: 'default', name: this.#name, ...(more && { labels: { base: '1' } }) }
    const body: Json = structuredClone({ ...more, apiVersion, kind: named, metadata })
    for (const [i, value] of choice) put(body, this.#subject.places[i]!.path, structuredClone(value))
    return body as unknown as KubeObject
  }

  async create() {
    const { resource, base } = this.#subject
    this.live = await server.client.create(resource, this.#body(new Map(), base), { fieldManager: 'base' })
  }

  /** Returns the conflicts for which it is refused. */
  async apply({ manager, subresource, choice, force }: Write): Promise<string[]> {
    const options = { type: 'apply' as const, fieldManager: manager, force, ...(subresource && { subresource }) }
    const key = { namespace: 'default', name: this.#name }
    try {
      this.live = await server.client.patch(this.#subject.resource, key, this.#body(choice), options)
      return []
    } catch (err) {
      if (!isStatus(err, 'Conflict')) throw err
      return (err.details?.causes ?? []).map(({ field, message }) => `${field}: ${message}`).sort()
    }
  }

  async update({ manager, subresource, choice }: Write) {
    const { resource, base } = this.#subject
    const body = this.#body(choice, base)
    const { resourceVersion } = this.live.metadata
    const metadata = { ...body.metadata, resourceVersion }
    const options = { fieldManager: manager, ...(subresource && { subresource }) }
    this.live = await server.client.update(resource, { ...body, metadata } as KubeObject, options)
  }

  get values(): Map<number, unknown> {
    const found = this.#subject.places.map(({ path }, i) => [i, read(this.live, path)] as const)
    return new Map(found.filter(([, value]) => value !== undefined))
  }

  get owners(): Owners {
    const owners: Owners = new Map()
    for (const { manager, operation, apiVersion, subresource, fieldsV1 } of this.live.metadata.managedFields ?? []) {
      const owner = ownerText(apiVersion!, manager, operation, subresource)
      this.#subject.places.forEach(({ path }, i) => {
        if (has(fieldsV1 as FieldSet, path)) owners.set(i, (owners.get(i) ?? new Set()).add(owner))
      })
    }
    return owners
  }
}

async function kept(subject: Subject): Promise<Kept> {
  const one = new Kept(subject)
  await one.create()
  return one
}

describe.each(subjects.map((subject) => [subject.resource.plural, subject] as const))(
  'fields of %s',
  (_name, subject) => {
    it('have the values and the owners that a model knows', async () => {
      const writes = fc.array(writesTo(subject), { minLength: 1, maxLength: 8 })
      const property = fc.asyncProperty(writes, async (sequence) => {
        const [object, model] = [await kept(subject), new Model(subject)]
        for (const write of sequence) {
          if (write.does === 'update') {
            await object.update(write)
            model.update(write)
          } else {
            const conflicts = model.apply(write)
            expect(await object.apply(write)).toEqual(conflicts)
            const once = object.live
            // Once more changes nothing, not even the version.
            expect(await object.apply(write)).toEqual(conflicts)
            expect(object.live).toEqual(once)
          }
          expect(object.values).toEqual(model.values)
          expect(object.owners).toEqual(model.owners)
        }
      })
      await fc.assert(property, { numRuns: 60 })
    })

    it('do not depend on the order in which managers apply what is theirs alone', async () => {
      const [one] = [writesTo(subject)]
      const split = fc.tuple(
        one,
        fc.array(fc.nat(2), { minLength: subject.places.length, maxLength: subject.places.length }),
      )
      const property = fc.asyncProperty(split, async ([{ choice }, parts]) => {
        const applies = ['one', 'two', 'three'].flatMap((manager, n) =>
          (['', 'status'] as const).map((subresource): Write => {
            const own = [...choice].filter(
              ([i]) => parts[i] === n && isOfStatus(subject.places[i]!) === (subresource !== ''),
            )
            return { does: 'apply', manager, subresource, choice: new Map(own), force: false }
          }),
        )
        const outcomes = []
        for (const order of [applies, applies.toReversed()]) {
          const object = await kept(subject)
          for (const write of order) if (write.choice.size > 0) expect(await object.apply(write)).toEqual([])
          outcomes.push([object.values, object.owners])
        }
        expect(outcomes[0]).toEqual(outcomes[1])
        expect(outcomes[0]![0]).toEqual(choice)
      })
      await fc.assert(property, { numRuns: 30 })
    })
  },
)
