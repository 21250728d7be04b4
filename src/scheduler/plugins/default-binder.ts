/** DefaultBinder: binds the pod to the node by creating a Binding. */
import { pods } from '#api/resources.ts'
import type { Client } from '#client/client.ts'
import type { BindPlugin } from '../framework/plugin.ts'

export function defaultBinder(client: Client): BindPlugin {
  return {
    name: 'DefaultBinder',
    async bind({ pod }, nodeName, signal) {
      const { name, namespace, uid } = pod.metadata
      const binding = {
        apiVersion: 'v1',
        kind: 'Binding',
        metadata: { name, namespace, uid },
        target: { kind: 'Node', name: nodeName },
      }
      await client.createSubresource(pods, pod.metadata, 'binding', binding, { signal })
    },
  }
}
