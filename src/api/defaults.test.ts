import { describe, expect, it } from 'vitest'
import { Deployment, StatefulSet } from './apps/v1.ts'
import { HorizontalPodAutoscaler } from './autoscaling/v2.ts'
import { Job } from './batch/v1.ts'
import { defaultPullPolicy } from './core/v1/defaults.ts'
import { LimitRange, Namespace } from './core/v1/namespace.ts'
import { PersistentVolume } from './core/v1/persistent-volume.ts'
import { Pod } from './core/v1/pod.ts'
import { Service } from './core/v1/service.ts'
import { decode } from './decode.ts'
import { NetworkPolicy } from './networking/v1.ts'
import type { Message } from './schema.ts'

const complete = (type: Message, object: object) => decode(type, object).object as any

describe('defaults', () => {
  it('completes a pod template but leaves what only pods get', () => {
    const container = { name: 'c', image: 'nginx', ports: [{ containerPort: 80 }], resources: { limits: { cpu: '1' } } }
    const { spec } = complete(Deployment, { spec: { template: { spec: { containers: [container] } } } })
    expect(spec).toEqual({
      replicas: 1,
      revisionHistoryLimit: 10,
      progressDeadlineSeconds: 600,
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: '25%', maxUnavailable: '25%' } },
      template: {
        metadata: {},
        spec: {
          dnsPolicy: 'ClusterFirst',
          restartPolicy: 'Always',
          schedulerName: 'default-scheduler',
          securityContext: {},
          terminationGracePeriodSeconds: 30,
          containers: [
            {
              name: 'c',
              image: 'nginx',
              imagePullPolicy: 'Always',
              ports: [{ containerPort: 80, protocol: 'TCP' }],
              resources: { limits: { cpu: '1' } },
              terminationMessagePath: '/dev/termination-log',
              terminationMessagePolicy: 'File',
            },
          ],
        },
      },
    })
  })

  it('takes requests from limits, and host ports from container ports, in pods', () => {
    const { spec } = complete(Pod, {
      spec: {
        hostNetwork: true,
        containers: [
          {
            name: 'c',
            ports: [{ containerPort: 80 }],
            resources: { limits: { cpu: '1', memory: '1Gi' }, requests: { cpu: '100m' } },
          },
        ],
      },
    })
    expect(spec.containers[0].resources.requests).toEqual({ cpu: '100m', memory: '1Gi' })
    expect(spec.containers[0].ports[0].hostPort).toBe(80)
    expect(spec.enableServiceLinks).toBe(true)
  })

  it('adds up pod-level requests from containers, sidecars and the largest init container', () => {
    const wants = (cpu: string) => ({ resources: { requests: { cpu } } })
    const { spec } = complete(Pod, {
      spec: {
        resources: { limits: { cpu: '4', memory: '1Gi' } },
        containers: [wants('300m'), wants('200m')],
        initContainers: [{ ...wants('1'), restartPolicy: 'Always' }, wants('900m')],
      },
    })
    expect(spec.resources.requests).toEqual({ cpu: '1900m', memory: '1Gi' })
  })

  it('treats an empty string like an absent one, unless that means something of its own', () => {
    expect(complete(Service, { spec: { type: '', ports: [{ port: 80, protocol: '' }] } }).spec).toEqual({
      type: 'ClusterIP',
      sessionAffinity: 'None',
      internalTrafficPolicy: 'Cluster',
      ports: [{ port: 80, protocol: 'TCP', targetPort: 80 }],
    })
    expect(complete(PersistentVolume, { spec: { persistentVolumeReclaimPolicy: '' } }).spec).toMatchObject({
      persistentVolumeReclaimPolicy: 'Retain',
    })
    expect(complete(Deployment, { spec: { replicas: 0 } }).spec.replicas).toBe(0)
  })

  it('drops zeros that say nothing', () => {
    const { spec } = complete(Pod, { spec: { hostNetwork: false, nodeSelector: {}, tolerations: [], hostname: '' } })
    expect(Object.keys(spec)).not.toEqual(expect.arrayContaining(['hostNetwork']))
    expect(spec).not.toHaveProperty('nodeSelector')
    expect(spec).not.toHaveProperty('tolerations')
    expect(spec).not.toHaveProperty('hostname')
  })

  it('opens load balancers to the outside', () => {
    expect(complete(Service, { spec: { type: 'LoadBalancer', sessionAffinity: 'ClientIP' } }).spec).toEqual({
      type: 'LoadBalancer',
      sessionAffinity: 'ClientIP',
      sessionAffinityConfig: { clientIP: { timeoutSeconds: 10800 } },
      externalTrafficPolicy: 'Cluster',
      internalTrafficPolicy: 'Cluster',
      allocateLoadBalancerNodePorts: true,
    })
  })

  it('completes jobs by what is given', () => {
    const spec = (given: object) => complete(Job, { spec: given }).spec
    expect(spec({})).toMatchObject({ parallelism: 1, completions: 1, backoffLimit: 6, suspend: false })
    expect(spec({ parallelism: 3 }).completions).toBeUndefined()
    expect(spec({ backoffLimitPerIndex: 1 }).backoffLimit).toBe(2147483647)
    expect(spec({ podFailurePolicy: { rules: [] } }).podReplacementPolicy).toBe('Failed')
  })

  it('completes the rest of the workload kinds', () => {
    expect(complete(StatefulSet, {}).spec).toMatchObject({
      updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 0 } },
      persistentVolumeClaimRetentionPolicy: { whenDeleted: 'Retain', whenScaled: 'Retain' },
      podManagementPolicy: 'OrderedReady',
    })
    expect(complete(StatefulSet, { spec: { updateStrategy: { type: 'OnDelete' } } }).spec.updateStrategy).toEqual({
      type: 'OnDelete',
    })
    expect(
      complete(HorizontalPodAutoscaler, { spec: { behavior: { scaleUp: { selectPolicy: 'Min' } } } }).spec,
    ).toEqual({
      scaleTargetRef: { kind: '', name: '' },
      maxReplicas: 0,
      minReplicas: 1,
      metrics: [
        { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 80 } } },
      ],
      behavior: {
        scaleUp: {
          selectPolicy: 'Min',
          stabilizationWindowSeconds: 0,
          policies: [
            { type: 'Pods', value: 4, periodSeconds: 15 },
            { type: 'Percent', value: 100, periodSeconds: 15 },
          ],
        },
        scaleDown: { selectPolicy: 'Max', policies: [{ type: 'Percent', value: 100, periodSeconds: 15 }] },
      },
    })
  })

  it('labels namespaces, derives limits and policy types', () => {
    expect(complete(Namespace, { metadata: { name: 'x' } }).metadata.labels).toEqual({
      'kubernetes.io/metadata.name': 'x',
    })
    const limit = {
      type: 'Container',
      max: { cpu: '2' },
      min: { cpu: '1', memory: '1Mi' },
      defaultRequest: { cpu: '1' },
    }
    expect(complete(LimitRange, { spec: { limits: [limit] } }).spec.limits[0]).toMatchObject({
      default: { cpu: '2' },
      defaultRequest: { cpu: '1', memory: '1Mi' },
    })
    expect(complete(NetworkPolicy, { spec: { egress: [{}] } }).spec.policyTypes).toEqual(['Ingress', 'Egress'])
  })

  it.each([
    ['nginx', 'Always'],
    ['nginx:latest', 'Always'],
    ['nginx:1.27', 'IfNotPresent'],
    ['localhost:5000/a/b', 'Always'],
    ['registry.k8s.io/pause:3.10', 'IfNotPresent'],
    ['nginx@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef', 'IfNotPresent'],
    ['', 'IfNotPresent'],
    ['Not An Image', 'IfNotPresent'],
  ])('pulls %j %s', (image, policy) => {
    expect(defaultPullPolicy(image)).toBe(policy)
  })
})
