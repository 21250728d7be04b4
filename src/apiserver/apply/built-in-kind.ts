/**
 * Built-in kinds as the tracking of field owners sees them. Those that are served in two forms can be converted, because
 * managers name fields in the form in which they have written.
 */
import { conversions } from '#api/conversion.ts'
import { decode } from '#api/decode.ts'
import type { KubeObject } from '#api/kind.ts'
import type { Message } from '#api/schema.ts'
import type { JsonObject, ManagedKind } from './managed-kind.ts'
import { messageSchema } from './message-schema.ts'

const kKind = Symbol('managed kind')

/** Made once for each Message and kept with it. Throws TypeError for one that is not a top-level kind. */
export function builtInKind(type: Message & { [kKind]?: ManagedKind }): ManagedKind {
  return (type[kKind] ??= make(type))
}

function make(type: Message): ManagedKind {
  if (!type.gvk) throw new TypeError(`${type.name} is not a top-level kind`)
  const { group, version, kind } = type.gvk
  const apiVersion = group === '' ? version : `${group}/${version}`
  return {
    apiVersion,
    kind,
    schema: messageSchema(type),
    version(other) {
      if (other === apiVersion) return this
      const found = formsOf(type).find(({ to }) => apiVersionOf(to) === other)
      return found && builtInKind(found.to)
    },
    convert(object, other) {
      const found = formsOf(type).find(({ to }) => apiVersionOf(to) === other)
      if (!found) throw new TypeError(`${kind} of ${apiVersion} is not served as ${other}`)
      const whole = decode(type, object).object as unknown as KubeObject
      return decode(found.to, found.convert({ ...whole, apiVersion, kind })).object as JsonObject
    },
  }
}

const apiVersionOf = ({ gvk }: Message) => (gvk!.group === '' ? gvk!.version : `${gvk!.group}/${gvk!.version}`)

/** The other forms of a kind. */
function formsOf(type: Message): { to: Message; convert: (object: KubeObject) => KubeObject }[] {
  return conversions.flatMap(({ served, stored, toStored, fromStored }) => {
    if (served.type === type) return [{ to: stored.type, convert: toStored }]
    return stored.type === type ? [{ to: served.type, convert: fromStored }] : []
  })
}
