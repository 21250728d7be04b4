import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { anyOf } from './arbitrary.ts'
import { conversionOf } from './conversion.ts'
import { decode } from './decode.ts'
import type { KubeObject } from './kind.ts'
import { events, eventsV1, horizontalPodAutoscalers, horizontalPodAutoscalersV1, pods } from './resources.ts'

const autoscaling = conversionOf(horizontalPodAutoscalersV1)!
const eventing = conversionOf(eventsV1)!
const v2 = (object: object) => decode(horizontalPodAutoscalers.type, object).object as unknown as KubeObject

describe('HorizontalPodAutoscaler', () => {
  const metadata = { name: 'x', annotations: { mine: '1' } }
  const scaleTargetRef = { kind: 'Deployment', name: 'd' }
  const cpu = { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 50 } } }

  it('shows CPU utilization as the one thing that v1 knows', () => {
    const object = v2({ metadata, spec: { scaleTargetRef, maxReplicas: 3, metrics: [cpu] } })
    const v1: any = autoscaling.fromStored(object)
    expect(v1.apiVersion).toBe('autoscaling/v1')
    expect(v1.spec).toEqual({ scaleTargetRef, minReplicas: 1, maxReplicas: 3, targetCPUUtilizationPercentage: 50 })
    expect(v1.metadata.annotations).toEqual({ mine: '1' })
  })

  it('keeps other metrics, behaviour and conditions in annotations', () => {
    const metrics = [
      { type: 'Pods', pods: { metric: { name: 'rps' }, target: { type: 'AverageValue', averageValue: '10' } } },
      {
        type: 'Object',
        object: {
          describedObject: { kind: 'Service', name: 's' },
          metric: { name: 'q', selector: { matchLabels: { a: 'b' } } },
          target: { type: 'Value', value: '5' },
        },
      },
      { type: 'External', external: { metric: { name: 'e' }, target: { type: 'AverageValue', averageValue: '7' } } },
      {
        type: 'ContainerResource',
        containerResource: { name: 'memory', container: 'c', target: { type: 'AverageValue', averageValue: '1Gi' } },
      },
      cpu,
    ]
    const behavior = { scaleDown: { stabilizationWindowSeconds: 60 } }
    const conditions = [{ type: 'AbleToScale', status: 'True' }]
    const currentMetrics = [
      { type: 'Resource', resource: { name: 'cpu', current: { averageUtilization: 9, averageValue: '1' } } },
    ]
    const object = v2({
      apiVersion: 'autoscaling/v2',
      kind: 'HorizontalPodAutoscaler',
      metadata,
      spec: { scaleTargetRef, maxReplicas: 3, metrics, behavior },
      status: { conditions, currentMetrics },
    })
    const v1: any = autoscaling.fromStored(object)
    expect(v1.status).toEqual({ currentReplicas: 0, desiredReplicas: 0, currentCPUUtilizationPercentage: 9 })
    expect(JSON.parse(v1.metadata.annotations['autoscaling.alpha.kubernetes.io/metrics'])[0]).toEqual({
      type: 'Pods',
      pods: { metricName: 'rps', targetAverageValue: '10' },
    })
    expect(JSON.parse(v1.metadata.annotations['autoscaling.alpha.kubernetes.io/behavior']).ScaleDown).toMatchObject({
      StabilizationWindowSeconds: 60,
      Tolerance: null,
    })
    expect(autoscaling.toStored(v1)).toEqual(object)
  })

  it('aims for 80 percent when v1 says nothing', () => {
    const v1 = decode(horizontalPodAutoscalersV1.type, { spec: { scaleTargetRef, maxReplicas: 2 } }).object
    const stored: any = autoscaling.toStored(v1 as unknown as KubeObject)
    expect(stored.spec.metrics[0].resource.target.averageUtilization).toBe(80)
    expect(stored.spec).not.toHaveProperty('targetCPUUtilizationPercentage')
  })

  it('ignores annotations that people have spoilt', () => {
    const annotations = {
      'autoscaling.alpha.kubernetes.io/metrics': '{',
      'autoscaling.alpha.kubernetes.io/conditions': '7',
    }
    const v1 = { apiVersion: 'autoscaling/v1', kind: 'HorizontalPodAutoscaler', metadata: { annotations }, spec: {} }
    const stored: any = autoscaling.toStored(v1 as never)
    expect(stored.metadata).toEqual({})
    expect(stored.spec.metrics).toHaveLength(1)
  })

  it('survives any object of either form', () => {
    fc.assert(
      fc.property(anyOf(horizontalPodAutoscalersV1.type), (value) => {
        const v1 = decode(horizontalPodAutoscalersV1.type, value).object as unknown as KubeObject
        const again: any = autoscaling.fromStored(autoscaling.toStored(v1))
        expect(again.spec).toEqual({ targetCPUUtilizationPercentage: 80, ...(v1 as any).spec })
      }),
      { numRuns: 50 },
    )
  })
})

describe('Event', () => {
  it('is the same under other names', () => {
    const newer = {
      apiVersion: 'events.k8s.io/v1',
      kind: 'Event',
      metadata: { name: 'e' },
      regarding: { kind: 'Pod', name: 'p' },
      note: 'hello',
      reportingController: 'c',
      deprecatedCount: 2,
    }
    expect(eventing.toStored(newer as never)).toEqual({
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { name: 'e' },
      involvedObject: { kind: 'Pod', name: 'p' },
      message: 'hello',
      reportingComponent: 'c',
      count: 2,
    })
  })

  it('loses nothing there and back', () => {
    fc.assert(
      fc.property(anyOf(events.type), (value) => {
        const core = { ...decode(events.type, value).object, apiVersion: 'v1', kind: 'Event' } as unknown as KubeObject
        expect(eventing.toStored(eventing.fromStored(core))).toEqual(core)
      }),
      { numRuns: 50 },
    )
  })
})

it('leaves all other kinds alone', () => {
  expect(conversionOf(pods)).toBeUndefined()
  expect(conversionOf(events)).toBeUndefined()
})
