/** Where webhooks are asked, and in which form they see objects. */
import { describe, expect, it } from 'vitest'
import type { Resource } from '#api/kind.ts'
import {
  configMaps,
  customResourceDefinitions,
  horizontalPodAutoscalers,
  horizontalPodAutoscalersV1,
  services,
} from '#api/resources.ts'
import { createLoopbackEndpoint } from '#testing/loopback-service.ts'
import { configMap, on, patch, refusal, webhookRoom } from '#testing/webhook-room.ts'

const room = webhookRoom()

describe('a webhook behind a Service', () => {
  const clientConfig = (extra: object = {}) => ({
    service: { namespace: 'default', name: 'hooks', path: '/check', ...extra },
    caBundle: room.server.caBundle,
  })
  const key = { namespace: 'default', name: 'hooks' }

  it('is room.asked at a ready endpoint, under the name of the Service', async () => {
    room.answers['/check'] = () => ({ allowed: true })
    await room.create(services, { metadata: key, spec: { ports: [{ port: 443, targetPort: 'https' }] } })
    await room.validating('v', room.hook('check', { rules: [on('configmaps')], clientConfig: clientConfig() }))
    const url = 'https://hooks.default.svc:443/check?timeout=10s'
    expect((await refusal(room.create(configMaps, configMap('c')))).message).toBe(
      `Internal error occurred: failed calling webhook "check.example.com": failed to call webhook: Post "${url}": no endpoints available for service "hooks"`,
    )
    await createLoopbackEndpoint(room.api.api, { ...key, port: room.server.port })
    await room.create(configMaps, configMap('c'))
    expect(room.asked).toHaveLength(1)
  })

  it('needs the Service to be there, with that port', async () => {
    await room.validating(
      'v',
      room.hook('check', { rules: [on('configmaps')], clientConfig: clientConfig({ port: 8443 }) }),
    )
    const attempt = async () => (await refusal(room.create(configMaps, configMap('c')))).message
    expect(await attempt()).toContain(
      'Post "https://hooks.default.svc:8443/check?timeout=10s": service "hooks" not found',
    )
    await room.create(services, { metadata: key, spec: { ports: [{ port: 443 }] } })
    expect(await attempt()).toContain('no service port 8443 found for service "hooks"')
  })
})

describe('the form of what a webhook sees', () => {
  const autoscaler = (apiVersion: string, spec: object) => ({
    apiVersion,
    kind: 'HorizontalPodAutoscaler',
    metadata: { namespace: 'default', name: 'h' },
    spec: { scaleTargetRef: { kind: 'Deployment', name: 'd', apiVersion: 'apps/v1' }, maxReplicas: 3, ...spec },
  })
  const rule = { ...on('horizontalpodautoscalers'), apiGroups: ['autoscaling'], apiVersions: ['v1'] }

  it('is the one that it asks for, whichever the client uses', async () => {
    room.answers['/v1'] = ({ request }) =>
      patch({ op: 'replace', path: '/spec/targetCPUUtilizationPercentage', value: request.object.spec.maxReplicas })
    await room.mutating('m', room.hook('v1', { rules: [rule] }))
    const made = await room.create(horizontalPodAutoscalers, autoscaler('autoscaling/v2', {}))
    expect(room.asked[0]!.review.request).toMatchObject({
      kind: { group: 'autoscaling', version: 'v1' },
      resource: { version: 'v1' },
      requestKind: { version: 'v2' },
      requestResource: { version: 'v2' },
      object: { apiVersion: 'autoscaling/v1', spec: { targetCPUUtilizationPercentage: 80 } },
    })
    expect(made.apiVersion).toBe('autoscaling/v2')
    expect(made.spec.metrics[0].resource.target.averageUtilization).toBe(3)
    const key = { namespace: 'default', name: 'h' }
    await room.api.client.patch(horizontalPodAutoscalersV1, key, { spec: { maxReplicas: 5 } }, { type: 'merge' })
    expect(room.asked[1]!.review.request).toMatchObject({
      kind: { version: 'v1' },
      requestKind: { version: 'v1' },
      object: { apiVersion: 'autoscaling/v1', spec: { maxReplicas: 5 } },
      oldObject: { apiVersion: 'autoscaling/v1', spec: { maxReplicas: 3 } },
    })
  })

  it('is none where it insists on one that was not used', async () => {
    room.answers['/v1'] = () => ({ allowed: false })
    await room.validating('v', room.hook('v1', { rules: [rule], matchPolicy: 'Exact' }))
    await room.create(horizontalPodAutoscalers, autoscaler('autoscaling/v2', {}))
    expect(room.asked).toHaveLength(0)
  })
})

describe('custom resources', () => {
  const data = { type: 'object', properties: { mutated: { type: 'string' }, given: { type: 'string', default: 'x' } } }
  const schema = { openAPIV3Schema: { type: 'object', properties: { data } } }
  const definition = {
    metadata: { name: 'things.example.com' },
    spec: {
      group: 'example.com',
      scope: 'Namespaced',
      names: { plural: 'things', kind: 'Thing' },
      versions: [
        { name: 'v1', served: true, storage: true, schema },
        { name: 'v2', served: true, storage: false, schema },
      ],
    },
  }

  it('are shown in the version that a webhook knows, and pruned and completed after it', async () => {
    await room.create(customResourceDefinitions, definition)
    const resource = await served('example.com', 'v1', 'things')
    room.answers['/v2'] = () =>
      patch({ op: 'add', path: '/data', value: { mutated: 'yes' } }, { op: 'add', path: '/unknown', value: 1 })
    await room.mutating('m', room.hook('v2', { rules: [{ ...on('things'), apiVersions: ['v2'] }] }))
    const made = await room.create(resource, { metadata: { namespace: 'default', name: 't' } })
    expect(made).toMatchObject({ apiVersion: 'example.com/v1', data: { mutated: 'yes', given: 'x' } })
    expect(made).not.toHaveProperty('unknown')
    expect(room.asked[0]!.review.request).toMatchObject({
      kind: { group: 'example.com', version: 'v2', kind: 'Thing' },
      requestKind: { version: 'v1' },
      resource: { version: 'v2' },
      object: { apiVersion: 'example.com/v2' },
    })
  })

  async function served(...[group, version, plural]: [string, string, string]): Promise<Resource> {
    for (;;) {
      const entry = room.api.api.catalog.at(group, version, plural)
      if (entry) return entry.resource
      await new Promise((resolve) => setImmediate(resolve))
    }
  }
})
