/** The deprecated ComponentStatus list: all parts run in one process here, and this answer proves that it does. */
import type { KubeObject } from '#api/kind.ts'
import { encodeAsField } from '#api/protobuf-encode.ts'
import { OBJECT_TAG } from '#api/protobuf-envelope.ts'
import { BackwardWriter } from '#machinery/protobuf-wire.ts'
import { notFound } from '#machinery/status-error.ts'
import type { VirtualResource } from '../api.ts'

const COMPONENTS: Readonly<Record<string, string>> = { 'controller-manager': 'ok', 'etcd-0': 'ok', scheduler: 'ok' }

const statusOf = (name: string): KubeObject =>
  ({
    kind: 'ComponentStatus',
    apiVersion: 'v1',
    metadata: { name, creationTimestamp: null },
    conditions: [{ type: 'Healthy', status: 'True', message: COMPONENTS[name] }],
  }) as unknown as KubeObject

export const componentStatuses: VirtualResource = {
  async perform(api, _caller, request) {
    if (request.verb === 'get') {
      if (!Object.hasOwn(COMPONENTS, request.name!)) throw notFound(request.resource, request.name!)
      return { type: 'object', code: 200, object: statusOf(request.name!) }
    }
    const objects = Object.keys(COMPONENTS).map(statusOf)
    const entries = objects.map((object) => ({
      object,
      wire: Buffer.from(JSON.stringify(object)),
      protobuf: encodeAsField(request.resource.type, { ...object }, OBJECT_TAG, new BackwardWriter()),
      key: object.metadata.name,
      revision: 0,
    }))
    return {
      type: 'list',
      list: { entries: entries as never, metadata: { resourceVersion: String(api.store.revision) } },
    }
  },
}
