/**
 * The environment of a container: services, then envFrom, then env in its order, each of which may refer to what is before
 * it. Throws EnvironmentError with upstream's wording for what is missing. Upstream: `makeEnvironmentVariables`.
 */
import type { ConfigMap, Secret } from '#api/core/v1/config.ts'
import type { Container, EnvVar } from '#api/core/v1/container.ts'
import type { Pod } from '#api/core/v1/pod.ts'
import type { Service } from '#api/core/v1/service.ts'
import { fieldValue, type NodeFacts, resourceValue } from './downward-api.ts'
import { expand, lookupIn } from './expansion.ts'
import { serviceEnvironment } from './service-environment.ts'

/** Config maps and secrets of the pod's namespace; undefined where there is none of that name. */
export interface ConfigSource {
  configMap(namespace: string, name: string): Promise<ConfigMap | undefined>
  secret(namespace: string, name: string): Promise<Secret | undefined>
}

/** The environment cannot be made as specified: the pod waits with CreateContainerConfigError. */
export class EnvironmentError extends Error {
  override readonly name = 'EnvironmentError'
}

export interface EnvironmentInputs {
  pod: Pod
  container: Container
  facts: NodeFacts
  services: readonly Service[]
  config: ConfigSource
  /** Reads a value from a file of a volume (`fileKeyRef`). */
  readFileKey?(volume: string, path: string, key: string): Promise<string | undefined>
}

type Values = ReadonlyMap<string, Buffer>

export async function containerEnvironment(inputs: EnvironmentInputs): Promise<Map<string, Buffer>> {
  const { pod, container, config, services } = inputs
  const namespace = pod.metadata.namespace ?? ''
  const fromServices = serviceEnvironment(services, namespace, pod.spec.enableServiceLinks ?? true)
  const variables = new Map<string, Buffer>()
  const texts = new Map<string, string>()
  const set = (name: string, value: Buffer) => {
    variables.set(name, value)
    texts.set(name, value.toString())
  }
  const sources = {
    configmap: async (name: string) => configMapValues(await config.configMap(namespace, name)),
    secret: async (name: string) => secretValues(await config.secret(namespace, name)),
  }
  const read = async (kind: 'configmap' | 'secret', name: string, isOptional: boolean) => {
    const values = await sources[kind](name)
    if (!values && !isOptional) throw new EnvironmentError(`${kind} "${name}" not found`)
    return values
  }

  for (const source of container.envFrom ?? []) {
    const ref = source.configMapRef ?? source.secretRef
    if (!ref) continue
    const values = await read(source.configMapRef ? 'configmap' : 'secret', ref.name ?? '', ref.optional ?? false)
    for (const [key, value] of values ?? []) set(`${source.prefix ?? ''}${key}`, value)
  }
  const lookup = lookupIn(texts, fromServices)
  for (const variable of container.env ?? []) {
    const value = await variableValue(inputs, variable, (text) => expand(text, lookup), read)
    if (value !== undefined) set(variable.name, value)
  }
  for (const [name, value] of fromServices) if (!variables.has(name)) variables.set(name, Buffer.from(value))
  for (const [name, value] of variables) {
    if (value.includes(0)) throw new EnvironmentError(`environment variable ${name} contains a NUL byte`)
  }
  return variables
}

type Read = (kind: 'configmap' | 'secret', name: string, isOptional: boolean) => Promise<Values | undefined>

/** Undefined where an optional source does not have it: the variable is then not set at all. */
async function variableValue(
  { pod, container, facts, readFileKey }: EnvironmentInputs,
  { value, valueFrom }: EnvVar,
  expanded: (text: string) => string,
  read: Read,
): Promise<Buffer | undefined> {
  if (value) return Buffer.from(expanded(value))
  if (valueFrom?.fieldRef) return Buffer.from(fieldValue(pod, valueFrom.fieldRef.fieldPath, facts))
  if (valueFrom?.resourceFieldRef) {
    return Buffer.from(resourceValue(pod, container, valueFrom.resourceFieldRef, facts.allocatable))
  }
  for (const [kind, title, ref] of [
    ['configmap', 'ConfigMap', valueFrom?.configMapKeyRef],
    ['secret', 'Secret', valueFrom?.secretKeyRef],
  ] as const) {
    if (!ref) continue
    const found = (await read(kind, ref.name ?? '', ref.optional ?? false))?.get(ref.key)
    if (found || ref.optional) return found
    throw new EnvironmentError(`couldn't find key ${ref.key} in ${title} ${pod.metadata.namespace}/${ref.name}`)
  }
  if (valueFrom?.fileKeyRef) {
    const { volumeName, path, key, optional } = valueFrom.fileKeyRef
    const found = await readFileKey?.(volumeName, path, key)
    if (found === undefined && !optional) {
      throw new EnvironmentError(`environment variable key "${key}" not found in file "${path}"`)
    }
    return found === undefined ? undefined : Buffer.from(found)
  }
  return Buffer.alloc(0)
}

export function configMapValues(object: ConfigMap | undefined): Map<string, Buffer> | undefined {
  return object && new Map(Object.entries(object.data ?? {}).map(([key, value]) => [key, Buffer.from(value)]))
}

export function secretValues(object: Secret | undefined): Map<string, Buffer> | undefined {
  return object && new Map(Object.entries(object.data ?? {}).map(([key, value]) => [key, Buffer.from(value, 'base64')]))
}
