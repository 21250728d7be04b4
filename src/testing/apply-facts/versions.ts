/** Facts of objects that are written in several versions, and of those with very many writers. */
import { apply, create, type Fact, get, merge, update } from './fact.ts'

const autoscalers = {
  path: '/apis/autoscaling/v2/namespaces/NS/horizontalpodautoscalers',
  kind: 'HorizontalPodAutoscaler',
}
const scaleTargetRef = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'd' }
const cpu = (averageUtilization: number) => ({
  type: 'Resource',
  resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization } },
})

interface Autoscaler {
  spec: { minReplicas?: number; maxReplicas: number; metrics?: unknown; targetCPUUtilizationPercentage?: number }
}
const limits = ({ spec }: Autoscaler) => [spec.minReplicas, spec.maxReplicas]

export const versions: readonly Fact[] = [
  {
    ...autoscalers,
    title: 'A manager is known by its version where it updates, and changes it where it applies',
    name: 'versions',
    shows: limits,
    steps: [
      apply(
        'one',
        { spec: { scaleTargetRef, maxReplicas: 3, metrics: [cpu(50)] } },
        ['201 [1,3]', 'one Apply autoscaling/v2: spec{maxReplicas metrics scaleTargetRef{apiVersion kind name}}'],
        { version: 'v2' },
      ),
      apply(
        'one',
        { spec: { scaleTargetRef, maxReplicas: 3, targetCPUUtilizationPercentage: 50 } },
        [
          '200 [1,3]',
          'one Apply autoscaling/v1: spec{maxReplicas scaleTargetRef targetCPUUtilizationPercentage}',
          '- one Apply autoscaling/v2',
        ],
        { version: 'v1' },
      ),
      apply(
        'two',
        { spec: { maxReplicas: 4 } },
        [
          '409 Conflict: Apply failed with 1 conflict: conflict with "one": .spec.maxReplicas',
          'FieldManagerConflict .spec.maxReplicas: conflict with "one"',
        ],
        { version: 'v1' },
      ),
      merge('three', { spec: { minReplicas: 2 } }, ['200 [2,3]', 'three Update autoscaling/v1: spec{minReplicas}'], {
        version: 'v1',
      }),
      merge(
        'three',
        { spec: { maxReplicas: 5 } },
        [
          '200 [2,5]',
          'one Apply autoscaling/v1: spec{scaleTargetRef targetCPUUtilizationPercentage}',
          'three Update autoscaling/v2: spec{maxReplicas}',
        ],
        { version: 'v2' },
      ),
      get(['200 [2,5]']),
      apply(
        'one',
        { spec: { scaleTargetRef, maxReplicas: 5 } },
        [
          '200 [2,5]',
          'one Apply autoscaling/v2: spec{maxReplicas scaleTargetRef{apiVersion kind name}}',
          '- one Apply autoscaling/v1',
        ],
        { version: 'v2' },
      ),
    ],
  },
  {
    path: '/api/v1/namespaces/NS/configmaps',
    kind: 'ConfigMap',
    title: 'Of very many who update, the longest ago are one',
    name: 'many',
    shows: ({ data }: { data: object }) => Object.keys(data).length,
    steps: [
      create('first', { data: { x: '1' } }, ['201 1', 'first Update v1: data{. x}']),
      apply('applier', { data: { y: '1' } }, ['200 2', 'applier Apply v1: data{y}']),
      ...Array.from({ length: 9 }, (_, i) => merge(`m${i}`, { data: { [`m${i}`]: '1' } }, undefined)),
      get(['200 11']),
      merge('m9', { data: { m9: '1' } }, [
        '200 12',
        'ancient-changes Update v1: data{. m0 x}',
        'm9 Update v1: data{m9}',
        '- first Update v1',
        '- m0 Update v1',
      ]),
      merge('m8', { data: { m1: '2' } }, ['200 12', 'm8 Update v1: data{m1 m8}', '- m1 Update v1']),
      update('last', { data: { m0: '1', m9: '1' } }, [
        '200 2',
        'ancient-changes Update v1: data{. m0}',
        '- applier Apply v1',
        '- m2 Update v1',
        '- m3 Update v1',
        '- m4 Update v1',
        '- m5 Update v1',
        '- m6 Update v1',
        '- m7 Update v1',
        '- m8 Update v1',
      ]),
      apply('applier', { data: { x: '1', m1: '3' } }, ['200 4', 'applier Apply v1: data{m1 x}']),
    ],
  },
]
