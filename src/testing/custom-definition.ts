/** CustomResourceDefinitions for tests: making them, waiting for them, and requests for what they define. */
import type { CustomResourceDefinition } from '#api/apiextensions/v1.ts'
import { defineResource, kind, type Resource } from '#api/kind.ts'
import { customResourceDefinitions } from '#api/resources.ts'
import { isConditionTrue } from '#machinery/conditions.ts'
import type { TestServer } from './test-server.ts'
import { recordWatch } from './watched.ts'

type Spec = CustomResourceDefinition['spec']
type Version = Partial<Omit<Spec['versions'][number], 'schema'>> & { schema?: object }

/**
 * Of `widgets.example.com`. A version that says nothing is `v1`, served, and takes anything in its spec and status; the
 * first one is stored.
 */
export function widgetDefinition(
  versions: readonly Version[] = [{}],
  spec: Partial<Spec> = {},
): CustomResourceDefinition {
  const open = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true }
  const anything = { type: 'object', properties: { spec: open, status: open } }
  const names = { plural: 'widgets', kind: 'Widget' }
  const group = 'example.com'
  const complete = versions.map(({ schema = anything, ...version }, i) => ({
    name: 'v1',
    served: true,
    storage: i === 0,
    schema: { openAPIV3Schema: schema },
    ...version,
  }))
  const whole = { group, scope: 'Namespaced', names, versions: complete, ...spec }
  const metadata = { name: `${whole.names.plural}.${whole.group}` }
  return { metadata, spec: whole } as unknown as CustomResourceDefinition
}

/** Of an object whose spec has these properties. */
export const specSchema = (properties: object, rest: object = {}) => ({
  type: 'object',
  properties: { spec: { type: 'object', properties, ...rest } },
})

/** What a client has that knows nothing but the names. */
export const widgetsOf = (version = 'v1'): Resource =>
  defineResource(kind('example.com', version, 'Widget', '', {}), 'widgets') as unknown as Resource

/** Resolves when the objects of the new definition are served. */
export async function establish(server: TestServer, definition: CustomResourceDefinition): Promise<void> {
  await server.client.create(customResourceDefinitions, definition as never)
  await untilDefinition(server, definition.metadata.name!, ({ status }) =>
    isConditionTrue(status.conditions, 'Established'),
  )
}

/** Resolves when there is no such definition, or no more. */
export async function untilGone({ client }: TestServer, name: string): Promise<void> {
  using watched = recordWatch(client, customResourceDefinitions, { fieldSelector: `metadata.name=${name}` })
  if (!(await client.find(customResourceDefinitions, { name }))) return
  await watched.until(({ events }) => events.at(-1)?.type === 'DELETED')
}

/** Resolves with the definition as soon as it is as `test` wants it. */
export async function untilDefinition(
  { client }: TestServer,
  name: string,
  test: (definition: CustomResourceDefinition) => boolean,
): Promise<CustomResourceDefinition> {
  using watched = recordWatch(client, customResourceDefinitions, { fieldSelector: `metadata.name=${name}` })
  let found: CustomResourceDefinition | undefined
  await watched.until(({ events }) => {
    const event = events.findLast(({ type }) => type === 'ADDED' || type === 'MODIFIED')
    if (!event || !test(event.object as CustomResourceDefinition)) return false
    found = event.object as CustomResourceDefinition
    return true
  })
  return found!
}

/** Changes the definition. Resolves when the API serves the change. */
export async function redefine(server: TestServer, name: string, change: (spec: Spec) => void): Promise<void> {
  const definition = await server.client.get(customResourceDefinitions, { name })
  const spec = structuredClone(definition.spec) as Spec
  change(spec)
  const { catalog } = server.apiServer.api
  const served = new Promise<void>((resolve) => {
    const stop = catalog.subscribe(() => {
      stop()
      resolve()
    })
  })
  await server.client.update(customResourceDefinitions, { ...definition, spec } as never)
  await served
}

export interface Answered {
  code: number
  /** Texts of `Warning` headers. */
  warnings: string[]
  body: ReturnType<typeof JSON.parse>
}

const MERGE = 'application/merge-patch+json'

/** One request over HTTPS; a PATCH is a merge patch unless the type says otherwise. */
export async function ask(
  server: TestServer,
  method: string,
  path: string,
  body?: object | string,
  headers: Record<string, string> = {},
): Promise<Answered> {
  const patch = method === 'PATCH' && { 'content-type': MERGE }
  const sent = { method, headers: { ...patch, ...headers }, ...(body !== undefined && { body }) }
  const response = await server.fetch(path, sent)
  const warnings = [...(response.headers.get('warning') ?? '').matchAll(/299 - "((?:[^"\\]|\\.)*)"/g)].map(([, text]) =>
    text!.replaceAll(/\\(.)/g, '$1'),
  )
  const text = await response.text()
  // Paths that nobody serves are answered in plain text.
  const isJson = response.headers.get('content-type')?.startsWith('application/json')
  return { code: response.status, warnings, body: isJson ? JSON.parse(text) : text }
}
