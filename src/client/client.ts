/**
 * The typed client: one method per verb, the resource as first argument, so that every kind (custom ones too) is used alike.
 *
 *     const pod = await client.get(pods, { namespace: 'default', name: 'web' })
 *     await client.patch(pods, pod.metadata, { metadata: { labels: { tier: 'front' } } })
 */
import type { Draft, KubeObject, ObjectList, Resource } from '#api/kind.ts'
import type { DeleteOptions, PatchType, RequestOptions, Transport, WatchSink } from './transport.ts'

/** Names one object; any object's `metadata` will do. */
export interface ObjectKey {
  namespace?: string
  name: string
}

export interface CallOptions extends RequestOptions {
  subresource?: string
  signal?: AbortSignal
}

export class Client {
  readonly #transport: Transport

  constructor(transport: Transport) {
    this.#transport = transport
  }

  /** Throws StatusError (NotFound, ...), as every method here. */
  async get<T extends KubeObject>(
    resource: Resource<T>,
    key: ObjectKey,
    { subresource, signal, ...options }: CallOptions = {},
  ): Promise<T> {
    return (await this.#transport.call(
      { verb: 'get', resource, ...locate(resource, key), subresource, options },
      signal,
    )) as T
  }

  /** Like `get`, but undefined where the object does not exist. */
  async find<T extends KubeObject>(
    resource: Resource<T>,
    key: ObjectKey,
    options?: CallOptions,
  ): Promise<T | undefined> {
    try {
      return await this.get(resource, key, options)
    } catch (err) {
      if (err instanceof Error && 'reason' in err && err.reason === 'NotFound') return undefined
      throw err
    }
  }

  async list<T extends KubeObject>(
    resource: Resource<T>,
    { namespace, signal, ...options }: CallOptions & { namespace?: string } = {},
  ): Promise<ObjectList<T>> {
    return (await this.#transport.call({ verb: 'list', resource, namespace, options }, signal)) as ObjectList<T>
  }

  watch<T extends KubeObject>(
    resource: Resource<T>,
    { namespace, ...options }: RequestOptions & { namespace?: string },
    sink: WatchSink<T>,
  ): () => void {
    return this.#transport.watch({ verb: 'watch', resource, namespace, options }, sink as unknown as WatchSink)
  }

  async create<T extends KubeObject>(
    resource: Resource<T>,
    object: Draft<T>,
    { signal, ...options }: Omit<CallOptions, 'subresource'> = {},
  ): Promise<T> {
    const { name, namespace } = object.metadata
    const at = resource.namespaced ? { namespace, name } : { name }
    return (await this.#transport.call(
      { verb: 'create', resource, ...at, options, body: typed(resource, object) },
      signal,
    )) as T
  }

  /** Creates a subresource such as `pods/binding` or `serviceaccounts/token`; the answer's shape is the subresource's own. */
  async createSubresource<R = unknown>(
    resource: Resource,
    key: ObjectKey,
    subresource: string,
    body: unknown,
    { signal, ...options }: CallOptions = {},
  ): Promise<R> {
    return (await this.#transport.call(
      { verb: 'create', resource, ...locate(resource, key), subresource, options, body },
      signal,
    )) as R
  }

  /** Replaces the object. With `metadata.resourceVersion` set it fails with Conflict unless that is still the current one. */
  async update<T extends KubeObject>(
    resource: Resource<T>,
    object: T,
    { subresource, signal, ...options }: CallOptions = {},
  ): Promise<T> {
    return (await this.#transport.call(
      { verb: 'update', resource, ...locate(resource, object.metadata), subresource, options, body: object },
      signal,
    )) as T
  }

  updateStatus<T extends KubeObject>(resource: Resource<T>, object: T, options: CallOptions = {}): Promise<T> {
    return this.update(resource, object, { ...options, subresource: 'status' })
  }

  /** Strategic merge patch unless `type` says otherwise. */
  async patch<T extends KubeObject>(
    resource: Resource<T>,
    key: ObjectKey,
    patch: unknown,
    { type = 'strategic', subresource, signal, ...options }: CallOptions & { type?: PatchType } = {},
  ): Promise<T> {
    return (await this.#transport.call(
      { verb: 'patch', resource, ...locate(resource, key), subresource, options, body: patch, patchType: type },
      signal,
    )) as T
  }

  /** Deletes; resolves to the object while it is still there (finalizers, graceful deletion) or a Status of success. */
  async delete(
    resource: Resource,
    key: ObjectKey,
    body: DeleteOptions = {},
    { signal, ...options }: CallOptions = {},
  ): Promise<unknown> {
    return this.#transport.call({ verb: 'delete', resource, ...locate(resource, key), options, body }, signal)
  }

  async deleteCollection(
    resource: Resource,
    { namespace, signal, ...options }: CallOptions & { namespace?: string },
    body: DeleteOptions = {},
  ): Promise<unknown> {
    return this.#transport.call({ verb: 'deletecollection', resource, namespace, options, body }, signal)
  }
}

function locate(resource: Resource, key: ObjectKey) {
  return resource.namespaced ? { namespace: key.namespace, name: key.name } : { name: key.name }
}

function typed(resource: Resource, object: object) {
  return 'kind' in object && object.kind ? object : { apiVersion: resource.apiVersion, kind: resource.kind, ...object }
}
