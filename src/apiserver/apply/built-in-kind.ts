/**
 * Built-in kinds as the tracking of field owners sees them. Those that are served in two forms can be converted, because
 * managers name fields in the form in which they have written.
 */
import { conversions } from '#api/conversion.ts'
import { decode } from '#api/decode.ts'
import { apiVersionOf, type KubeObject } from '#api/kind.ts'
import type { Message } from '#api/schema.ts'
import type { JsonObject, ManagedKind } from './managed-kind.ts'
import { messageSchema } from './message-schema.ts'

/** By type; upstream: what becomes of an object on its way to the internal version and back. */
const normalizers: Readonly<Record<string, (object: JsonObject) => JsonObject>> = {
  'core.v1.Secret': ({ stringData, ...secret }) => (stringData ? withText(secret, stringData as JsonObject) : secret),
  'apps.v1.DaemonSet': (daemonSet) => withAnnotation(daemonSet, 'deprecated.daemonset.template.generation', '0'),
}

function withText(secret: JsonObject, texts: JsonObject): JsonObject {
  const bytes = Object.entries(texts).map(([key, text]) => [key, Buffer.from(String(text)).toString('base64')])
  return { ...secret, data: { ...(secret.data as JsonObject | undefined), ...Object.fromEntries(bytes) } }
}

function withAnnotation(object: JsonObject, name: string, value: string): JsonObject {
  const metadata = object.metadata as { annotations?: JsonObject }
  return { ...object, metadata: { ...metadata, annotations: { [name]: value, ...metadata.annotations } } }
}

const kKind = Symbol('managed kind')

/** Made once for each Message and kept with it. Throws TypeError for one that is not a top-level kind. */
export function builtInKind(type: Message & { [kKind]?: ManagedKind }): ManagedKind {
  return (type[kKind] ??= make(type))
}

function make(type: Message): ManagedKind {
  if (!type.gvk) throw new TypeError(`${type.name} is not a top-level kind`)
  const { kind } = type.gvk
  const apiVersion = apiVersionOf(type.gvk)
  return {
    apiVersion,
    kind,
    schema: messageSchema(type),
    ...(normalizers[type.name] && { normalized: normalizers[type.name]! }),
    version(other) {
      if (other === apiVersion) return this
      const found = formsOf(type).find(({ to }) => apiVersionOf(to.gvk!) === other)
      return found && builtInKind(found.to)
    },
    convert(object, other) {
      const found = formsOf(type).find(({ to }) => apiVersionOf(to.gvk!) === other)
      if (!found) throw new TypeError(`${kind} of ${apiVersion} is not served as ${other}`)
      const whole = decode(type, object).object as unknown as KubeObject
      return decode(found.to, found.convert({ ...whole, apiVersion, kind })).object as JsonObject
    },
  }
}

/** The other forms of a kind. */
function formsOf(type: Message): { to: Message; convert: (object: KubeObject) => KubeObject }[] {
  return conversions.flatMap(({ served, stored, toStored, fromStored }) => {
    if (served.type === type) return [{ to: stored.type, convert: toStored }]
    return stored.type === type ? [{ to: served.type, convert: fromStored }] : []
  })
}
