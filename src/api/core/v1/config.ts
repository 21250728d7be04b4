/**
 * Objects that hand configuration and identity to pods: ConfigMap, Secret and ServiceAccount. All three are
 * namespaced and have no status.
 */
import { kind } from '#api/kind.ts'
import { f, type Infer } from '#api/schema.ts'
import { LocalObjectReference, ObjectReference } from './shared.ts'

export const ConfigMap = kind(
  '',
  'v1',
  'ConfigMap',
  'Non-secret configuration, kept as key-value pairs that pods can mount or read as environment.',
  {
    data: f.mapOf('string', 2, 'Text values by key; keys may hold letters, digits, dash, underscore and dot.'),
    binaryData: f.mapOf(
      'bytes',
      3,
      'Base64 values by key, for content that is not UTF-8; keys must not repeat those in data.',
    ),
    immutable: f
      .bool(4, 'When true, the content can no longer change and this cannot be unset; default false.')
      .pointer(),
  },
)
export interface ConfigMap extends Infer<typeof ConfigMap> {}

export const Secret = kind(
  '',
  'v1',
  'Secret',
  'Sensitive values such as passwords, tokens and keys, kept as bytes; at most 1 MiB in total.',
  {
    data: f.mapOf('bytes', 2, 'Base64 values by key; keys may hold letters, digits, dash, underscore and dot.'),
    type: f
      .string(
        3,
        'Tells programs what the secret holds, such as kubernetes.io/tls; default Opaque; cannot change later.',
      )
      .default('Opaque'),
    stringData: f.mapOf('string', 4, 'Plain text values, merged over data on write and never returned on read.'),
    immutable: f
      .bool(5, 'When true, the content can no longer change and this cannot be unset; default false.')
      .pointer(),
  },
)
export interface Secret extends Infer<typeof Secret> {}

export const ServiceAccount = kind(
  '',
  'v1',
  'ServiceAccount',
  'An identity that processes in pods use when they call the API server.',
  {
    secrets: f
      .list(
        ObjectReference,
        2,
        'Secrets in this namespace that pods of this account may use; enforced only by an annotation.',
      )
      .map('name')
      .merge('name'),
    imagePullSecrets: f
      .list(LocalObjectReference, 3, 'Registry credentials added to pods of this account that name none themselves.')
      .atomic(),
    automountServiceAccountToken: f
      .bool(4, 'Whether pods of this account get an API token mounted; pods may override; default true.')
      .pointer(),
  },
)
export interface ServiceAccount extends Infer<typeof ServiceAccount> {}
