/**
 * The files of configMap, secret, downwardAPI and projected volumes. Throws VolumeError with upstream's wording for what is
 * missing and not optional.
 */
import type { ConfigMap, Secret } from '#api/core/v1/config.ts'
import type { Pod } from '#api/core/v1/pod.ts'
import type {
  DownwardAPIVolumeFile,
  KeyToPath,
  ProjectedVolumeSource,
  ServiceAccountTokenProjection,
} from '#api/core/v1/volume.ts'
import { metadataValue, resourceValue } from '../downward-api.ts'
import type { ConfigSource } from '../environment.ts'
import type { Amounts } from '../resource-amounts.ts'
import { secretValues } from '../environment.ts'
import type { FileContent, Payload } from './atomic-writer.ts'

/** A volume can't be set up as it is specified; shown in a FailedMount event. */
export class VolumeError extends Error {
  override readonly name = 'VolumeError'
}

export interface PayloadInputs {
  pod: Pod
  config: ConfigSource
  allocatable: Amounts
  /** A token of the pod's service account for the projection. */
  token(pod: Pod, projection: ServiceAccountTokenProjection): Promise<string>
}

const DEFAULT_MODE = 0o644

export async function configMapPayload(
  { pod, config }: PayloadInputs,
  source: { name?: string; items?: KeyToPath[]; optional?: boolean },
  defaultMode = DEFAULT_MODE,
): Promise<Map<string, FileContent>> {
  const object = await config.configMap(pod.metadata.namespace ?? '', source.name ?? '')
  if (!object && !source.optional) throw new VolumeError(`configmap "${source.name}" not found`)
  return select(
    configMapFiles(object),
    source.items,
    defaultMode,
    source.optional ?? false,
    (key) => `configmap references non-existent config key: ${key}`,
  )
}

export async function secretPayload(
  { pod, config }: PayloadInputs,
  source: { name?: string; items?: KeyToPath[]; optional?: boolean },
  defaultMode = DEFAULT_MODE,
): Promise<Map<string, FileContent>> {
  const object: Secret | undefined = await config.secret(pod.metadata.namespace ?? '', source.name ?? '')
  if (!object && !source.optional) throw new VolumeError(`secret "${source.name}" not found`)
  return select(
    secretValues(object) ?? new Map(),
    source.items,
    defaultMode,
    source.optional ?? false,
    (key) => `references non-existent secret key: ${key}`,
  )
}

function configMapFiles(object: ConfigMap | undefined): Map<string, Buffer> {
  return new Map([
    ...Object.entries(object?.data ?? {}).map(([key, text]): [string, Buffer] => [key, Buffer.from(text)]),
    ...Object.entries(object?.binaryData ?? {}).map(([key, b64]): [string, Buffer] => [
      key,
      Buffer.from(b64, 'base64'),
    ]),
  ])
}

function select(
  values: ReadonlyMap<string, Buffer>,
  items: readonly KeyToPath[] | undefined,
  defaultMode: number,
  isOptional: boolean,
  missing: (key: string) => string,
): Map<string, FileContent> {
  const files = new Map<string, FileContent>()
  if (!items || items.length === 0) {
    for (const [key, data] of values) files.set(key, { data, mode: defaultMode })
    return files
  }
  for (const { key, path, mode = defaultMode } of items) {
    const data = values.get(key)
    if (data) files.set(path, { data, mode })
    else if (!isOptional) throw new VolumeError(missing(key))
  }
  return files
}

export function downwardPayload(
  { pod, allocatable }: PayloadInputs,
  items: readonly DownwardAPIVolumeFile[],
  defaultMode = DEFAULT_MODE,
): Map<string, FileContent> {
  const files = new Map<string, FileContent>()
  for (const { path, fieldRef, resourceFieldRef, mode = defaultMode } of items) {
    const text = fieldRef
      ? metadataValue(pod, fieldRef.fieldPath)
      : resourceFieldRef
        ? resourceValue(pod, undefined, resourceFieldRef, allocatable)
        : ''
    files.set(path, { data: Buffer.from(text), mode })
  }
  return files
}

export async function projectedPayload(inputs: PayloadInputs, volume: ProjectedVolumeSource): Promise<Payload> {
  const files = new Map<string, FileContent>()
  const mode = volume.defaultMode ?? DEFAULT_MODE
  const add = (more: Payload) => {
    for (const [path, file] of more) files.set(path, file)
  }
  for (const source of volume.sources ?? []) {
    if (source.configMap) add(await configMapPayload(inputs, source.configMap, mode))
    else if (source.secret) add(await secretPayload(inputs, source.secret, mode))
    else if (source.downwardAPI) add(downwardPayload(inputs, source.downwardAPI.items ?? [], mode))
    else if (source.serviceAccountToken) {
      const data = Buffer.from(await inputs.token(inputs.pod, source.serviceAccountToken))
      files.set(source.serviceAccountToken.path, { data, ...tokenAccess(inputs.pod, mode) })
    } else {
      const kind = Object.keys(source)[0] ?? 'empty'
      throw new VolumeError(`projected volume source "${kind}" is not supported by this node`)
    }
  }
  return files
}

/** A token is for its pod's user and group only, where the pod says who that is. Upstream: `util.FsUserFrom`. */
export function tokenAccess({ spec }: Pick<Pod, 'spec'>, mode: number): { mode: number; uid?: number } {
  const { fsGroup, runAsUser } = spec.securityContext ?? {}
  const users = new Set(
    [...(spec.initContainers ?? []), ...spec.containers].map((c) => c.securityContext?.runAsUser ?? runAsUser),
  )
  const [uid] = users
  if (users.size === 1 && uid !== undefined) return { mode: 0o600, uid }
  return { mode: fsGroup === undefined ? mode : 0o600 }
}
