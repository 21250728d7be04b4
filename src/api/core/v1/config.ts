/** @@HEAD core/v1/config.ts */
import { kind } from '#api/kind.ts'
import { f, type Infer } from '#api/schema.ts'
import { LocalObjectReference, ObjectReference } from './shared.ts'

export const ConfigMap = kind('', 'v1', 'ConfigMap', '', {
  data: f.mapOf('string', 2, ''),
  binaryData: f.mapOf('bytes', 3, ''),
  immutable: f.bool(4, ''),
})
export interface ConfigMap extends Infer<typeof ConfigMap> {}

export const Secret = kind('', 'v1', 'Secret', '', {
  data: f.mapOf('bytes', 2, ''),
  type: f.string(3, ''),
  stringData: f.mapOf('string', 4, ''),
  immutable: f.bool(5, ''),
})
export interface Secret extends Infer<typeof Secret> {}

export const ServiceAccount = kind('', 'v1', 'ServiceAccount', '', {
  secrets: f.list(ObjectReference, 2, '').map('name').merge('name'),
  imagePullSecrets: f.list(LocalObjectReference, 3, '').atomic(),
  automountServiceAccountToken: f.bool(4, ''),
})
export interface ServiceAccount extends Infer<typeof ServiceAccount> {}
