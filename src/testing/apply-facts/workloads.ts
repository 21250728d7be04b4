/** Facts of objects that say what is to run: lists of objects, structs within structs, subresources, several versions. */
import { apply, create, type Fact, get, merge, strategic, update } from './fact.ts'

const deployments = { path: '/apis/apps/v1/namespaces/NS/deployments', kind: 'Deployment' }
const services = { path: '/api/v1/namespaces/NS/services', kind: 'Service' }
const pods = { path: '/api/v1/namespaces/NS/pods', kind: 'Pod' }
const nodes = { path: '/api/v1/nodes', kind: 'Node' }

interface Deployment {
  spec: { replicas?: number; template?: { spec: { containers: Container[] } } }
}
interface Container {
  name: string
  image: string
  env?: unknown
  ports?: { containerPort: number; protocol: string }[]
}

const replicas = ({ spec }: Deployment) => spec.replicas
const containers = ({ spec }: Deployment) =>
  spec.template?.spec.containers.map(({ name, image, env, ports }) => [
    name,
    image,
    env,
    ports?.map(({ containerPort, protocol }) => `${containerPort}/${protocol}`),
  ])

const jobPods = { restartPolicy: 'Never', containers: [{ name: 'c', image: 'i' }] }

/** A spec with one container. */
function spec(more: object = {}, container: object = {}) {
  return {
    selector: { matchLabels: { a: 'b' } },
    template: { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c', image: 'i', ...container }] } },
    ...more,
  }
}

const template = (...containers: object[]) => ({ spec: { template: { spec: { containers } } } })

/** As a client keeps what it applied itself. */
const lastApplied = (kind: string, name: string, content: object) => ({
  'kubectl.kubernetes.io/last-applied-configuration': `${JSON.stringify({ apiVersion: 'apps/v1', kind, metadata: { name }, ...content })}\n`,
})
const applied = ({
  metadata,
  spec,
}: {
  metadata: { annotations?: Record<string, string> }
  spec: { replicas: number }
}) => {
  const text = metadata.annotations?.['kubectl.kubernetes.io/last-applied-configuration']
  return [spec.replicas, text && (JSON.parse(text) as Deployment).spec.replicas]
}

export const workloads: readonly Fact[] = [
  {
    ...deployments,
    title: 'Elements of a list of objects are owned by their keys, which may have defaults',
    name: 'keys',
    shows: containers,
    steps: [
      apply('one', { spec: spec({}, { ports: [{ containerPort: 80 }, { containerPort: 80, protocol: 'UDP' }] }) }, [
        '201 [["c","i",null,["80/TCP","80/UDP"]]]',
        'one Apply apps/v1: spec{selector template{metadata{labels{a}} spec{containers{[name="c"]{. image name ports{[containerPort=80,protocol="TCP"]{. containerPort} [containerPort=80,protocol="UDP"]{. containerPort protocol}}}}}}}',
      ]),
      apply('two', template({ name: 'c', env: [{ name: 'A', value: '1' }] }, { name: 'side', image: 's' }), [
        '200 [["c","i",[{"name":"A","value":"1"}],["80/TCP","80/UDP"]],["side","s",null,null]]',
        'two Apply apps/v1: spec{template{spec{containers{[name="c"]{. env{[name="A"]{. name value}} name} [name="side"]{. image name}}}}}',
      ]),
      apply('two', template({ name: 'c', env: [{ name: 'B', value: '1' }], image: 'j' }), [
        '409 Conflict: Apply failed with 1 conflict: conflict with "one": .spec.template.spec.containers[name="c"].image',
        'FieldManagerConflict .spec.template.spec.containers[name="c"].image: conflict with "one"',
      ]),
      apply('one', { spec: spec({}, { ports: [{ containerPort: 80, protocol: 'UDP' }] }) }, [
        '200 [["c","i",[{"name":"A","value":"1"}],["80/UDP"]],["side","s",null,null]]',
        'one Apply apps/v1: spec{selector template{metadata{labels{a}} spec{containers{[name="c"]{. image name ports{[containerPort=80,protocol="UDP"]{. containerPort protocol}}}}}}}',
      ]),
      apply('one', { spec: spec({}, { ports: [{ containerPort: 80 }, { containerPort: 80, protocol: 'TCP' }] }) }, [
        '500 : failed to create typed patch object (/keys; apps/v1, Kind=Deployment): .spec.template.spec.containers[name="c"].ports: duplicate entries for key [containerPort=80,protocol="TCP"]',
      ]),
      apply('one', { spec: { template: { spec: { containers: { name: 'c' } } } } }, [
        '500 : failed to create typed patch object (/keys; apps/v1, Kind=Deployment): .spec.template.spec.containers: expected list, got &{map[name:c]}',
      ]),
      apply('one', { spec: { replicas: 'x' } }, [
        '500 : failed to create typed patch object (/keys; apps/v1, Kind=Deployment): .spec.replicas: expected numeric (int or float), got string',
      ]),
      strategic('three', template({ name: 'c', image: 'k', args: ['a', 'b'] }), [
        '200 [["c","k",[{"name":"A","value":"1"}],["80/UDP"]],["side","s",null,null]]',
        'one Apply apps/v1: spec{selector template{metadata{labels{a}} spec{containers{[name="c"]{. name ports{[containerPort=80,protocol="UDP"]{. containerPort protocol}}}}}}}',
        'three Update apps/v1: spec{template{spec{containers{[name="c"]{args image}}}}}',
      ]),
      apply('four', template({ name: 'c', args: ['a'] }), [
        '409 Conflict: Apply failed with 1 conflict: conflict with "three" using apps/v1: .spec.template.spec.containers[name="c"].args',
        'FieldManagerConflict .spec.template.spec.containers[name="c"].args: conflict with "three" using apps/v1',
      ]),
      apply('two', { spec: {} }, ['200 [["c","k",null,["80/UDP"]]]', 'two Apply apps/v1: spec']),
    ],
  },
  {
    ...deployments,
    title: 'What is scaled belongs to who scales it',
    name: 'scaled',
    shows: replicas,
    steps: [
      apply('one', { spec: spec({ replicas: 2 }) }, [
        '201 2',
        'one Apply apps/v1: spec{replicas selector template{metadata{labels{a}} spec{containers{[name="c"]{. image name}}}}}',
      ]),
      merge('kubectl', { spec: { replicas: 5 } }, ['200 5'], { subresource: 'scale' }),
      get([
        '200 5',
        'kubectl/scale Update apps/v1: spec{replicas}',
        'one Apply apps/v1: spec{selector template{metadata{labels{a}} spec{containers{[name="c"]{. image name}}}}}',
      ]),
      apply('one', { spec: spec({ replicas: 2 }) }, [
        '409 Conflict: Apply failed with 1 conflict: conflict with "kubectl" with subresource "scale" using apps/v1: .spec.replicas',
        'FieldManagerConflict .spec.replicas: conflict with "kubectl" with subresource "scale" using apps/v1',
      ]),
      apply('one', { spec: spec() }, ['200 5']),
      apply(
        'two',
        { apiVersion: 'autoscaling/v1', kind: 'Scale', spec: { replicas: 6 } },
        [
          '409 Conflict: Apply failed with 1 conflict: conflict with "kubectl" with subresource "scale" using autoscaling/v1: .spec.replicas',
          'FieldManagerConflict .spec.replicas: conflict with "kubectl" with subresource "scale" using autoscaling/v1',
        ],
        { subresource: 'scale' },
      ),
      apply('two', { apiVersion: 'autoscaling/v1', kind: 'Scale', spec: { replicas: 6 } }, ['200 6'], {
        subresource: 'scale',
        force: true,
      }),
      get(['200 6', 'two/scale Apply apps/v1: spec{replicas}', '- kubectl/scale Update apps/v1']),
      update('three', { apiVersion: 'autoscaling/v1', kind: 'Scale', spec: { replicas: 6 } }, ['200 6'], {
        subresource: 'scale',
      }),
      get(['200 6']),
    ],
  },
  {
    ...deployments,
    title: 'A status has managers of its own, who own nothing else',
    name: 'status',
    shows: ({ status }: { status?: { replicas?: number } }) => status?.replicas,
    steps: [
      create('one', { spec: spec(), status: { replicas: 7 } }, [
        '201',
        'one Update apps/v1: spec{progressDeadlineSeconds replicas revisionHistoryLimit selector strategy{rollingUpdate{. maxSurge maxUnavailable} type} template{metadata{labels{. a}} spec{containers{[name="c"]{. image imagePullPolicy name resources terminationMessagePath terminationMessagePolicy}} dnsPolicy restartPolicy schedulerName securityContext terminationGracePeriodSeconds}}}',
      ]),
      strategic(
        'two',
        { spec: { replicas: 9 }, status: { replicas: 1 }, metadata: { labels: { l: '1' } } },
        ['200 1', 'two/status Update apps/v1: status{replicas}'],
        { subresource: 'status' },
      ),
      apply(
        'three',
        { spec: { replicas: 9 }, status: { replicas: 2, updatedReplicas: 1 } },
        [
          '409 Conflict: Apply failed with 1 conflict: conflict with "two" with subresource "status" using apps/v1: .status.replicas',
          'FieldManagerConflict .status.replicas: conflict with "two" with subresource "status" using apps/v1',
        ],
        { subresource: 'status' },
      ),
      apply(
        'three',
        { status: { updatedReplicas: 1 } },
        ['200 1', 'three/status Apply apps/v1: status{updatedReplicas}'],
        { subresource: 'status' },
      ),
      apply('three', { status: { updatedReplicas: 1 } }, ['200 1']),
      apply('three', { status: {} }, ['200 1', 'three/status Apply apps/v1: status'], { subresource: 'status' }),
    ],
  },
  {
    ...deployments,
    title: 'Who applied by itself goes on where it stopped',
    name: 'migrated',
    shows: applied,
    steps: [
      create(
        'kubectl-client-side-apply',
        {
          spec: spec({ replicas: 2, paused: true }),
          metadata: {
            annotations: lastApplied('Deployment', 'migrated', { spec: spec({ replicas: 2, paused: true }) }),
          },
        },
        [
          '201 [2,2]',
          'kubectl-client-side-apply Update apps/v1: metadata{annotations{. kubectl.kubernetes.io/last-applied-configuration}} spec{paused progressDeadlineSeconds replicas revisionHistoryLimit selector strategy{rollingUpdate{. maxSurge maxUnavailable} type} template{metadata{labels{. a}} spec{containers{[name="c"]{. image imagePullPolicy name resources terminationMessagePath terminationMessagePolicy}} dnsPolicy restartPolicy schedulerName securityContext terminationGracePeriodSeconds}}}',
        ],
      ),
      merge('two', { spec: { revisionHistoryLimit: 3 } }, [
        '200 [2,2]',
        'kubectl-client-side-apply Update apps/v1: metadata{annotations{. kubectl.kubernetes.io/last-applied-configuration}} spec{paused progressDeadlineSeconds replicas selector strategy{rollingUpdate{. maxSurge maxUnavailable} type} template{metadata{labels{. a}} spec{containers{[name="c"]{. image imagePullPolicy name resources terminationMessagePath terminationMessagePolicy}} dnsPolicy restartPolicy schedulerName securityContext terminationGracePeriodSeconds}}}',
        'two Update apps/v1: spec{revisionHistoryLimit}',
      ]),
      apply('kubectl', { spec: spec({ replicas: 3 }) }, [
        '200 [3,3]',
        'kubectl Apply apps/v1: spec{replicas selector template{metadata{labels{a}} spec{containers{[name="c"]{. image name}}}}}',
        'kubectl-client-side-apply Update apps/v1: metadata{annotations{. kubectl.kubernetes.io/last-applied-configuration}} spec{paused progressDeadlineSeconds selector strategy{rollingUpdate{. maxSurge maxUnavailable} type} template{metadata{labels{. a}} spec{containers{[name="c"]{. image imagePullPolicy name resources terminationMessagePath terminationMessagePolicy}} dnsPolicy restartPolicy schedulerName securityContext terminationGracePeriodSeconds}}}',
      ]),
      apply('kubectl', { spec: spec({ replicas: 4 }) }, ['200 [4,4]']),
      apply('other', { spec: { replicas: 5 } }, [
        '409 Conflict: Apply failed with 1 conflict: conflict with "kubectl": .spec.replicas',
        'FieldManagerConflict .spec.replicas: conflict with "kubectl"',
      ]),
    ],
  },
  {
    ...services,
    title: 'What the server fills in belongs to nobody, unless it was there when somebody wrote',
    name: 'service',
    shows: ({ spec: { ports, selector } }: { spec: { ports: unknown; selector: unknown } }) => [ports, selector],
    steps: [
      apply('one', { spec: { selector: { a: 'b' }, ports: [{ port: 80 }] } }, [
        '201 [[{"port":80,"protocol":"TCP","targetPort":80}],{"a":"b"}]',
        'one Apply v1: spec{ports{[port=80,protocol="TCP"]{. port}} selector}',
      ]),
      apply('two', { spec: { selector: { c: 'd' }, ports: [{ port: 80, protocol: 'UDP', name: 'u' }] } }, [
        '409 Conflict: Apply failed with 1 conflict: conflict with "one": .spec.selector',
        'FieldManagerConflict .spec.selector: conflict with "one"',
      ]),
      apply('two', { spec: { ports: [{ port: 80, protocol: 'UDP', name: 'u' }] } }, [
        '422 Invalid: Service "service" is invalid: spec.ports[0].name: Required value',
      ]),
      apply('one', { spec: { selector: { a: 'b' }, ports: [{ port: 80, name: 't' }] } }, [
        '200 [[{"name":"t","port":80,"protocol":"TCP","targetPort":80}],{"a":"b"}]',
        'one Apply v1: spec{ports{[port=80,protocol="TCP"]{. name port}} selector}',
      ]),
      apply('two', { spec: { ports: [{ port: 80, protocol: 'UDP', name: 'u' }] } }, [
        '200 [[{"name":"t","port":80,"protocol":"TCP","targetPort":80},{"name":"u","port":80,"protocol":"UDP","targetPort":80}],{"a":"b"}]',
        'two Apply v1: spec{ports{[port=80,protocol="UDP"]{. name port protocol}}}',
      ]),
      merge(
        'three',
        { status: { loadBalancer: { ingress: [{ ip: '1.2.3.4' }] } } },
        [
          '422 Invalid: Service "service" is invalid: status.loadBalancer.ingress: Forbidden: may only be used when `spec.type` is \'LoadBalancer\'',
        ],
        { subresource: 'status' },
      ),
      strategic('three', { spec: { sessionAffinity: 'ClientIP' } }, [
        '200 [[{"name":"t","port":80,"protocol":"TCP","targetPort":80},{"name":"u","port":80,"protocol":"UDP","targetPort":80}],{"a":"b"}]',
        'three Update v1: spec{sessionAffinity sessionAffinityConfig{. clientIP{. timeoutSeconds}}}',
      ]),
    ],
  },
  {
    ...pods,
    title: 'A pod is written by many',
    name: 'pod',
    shows: ({ spec: { nodeName } }: { spec: { nodeName?: string } }) => nodeName,
    steps: [
      create(
        'one',
        {
          metadata: { labels: { a: 'b' } },
          spec: {
            containers: [
              {
                name: 'c',
                image: 'i',
                resources: { limits: { cpu: '1000m' } },
                livenessProbe: { httpGet: { port: 80 } },
                volumeMounts: [{ name: 'v', mountPath: '/x' }],
              },
            ],
            volumes: [{ name: 'v', emptyDir: {} }],
            tolerations: [{ key: 'a', operator: 'Exists' }],
            imagePullSecrets: [{ name: 's' }],
          },
        },
        [
          '201',
          'one Update v1: metadata{labels{. a}} spec{containers{[name="c"]{. image imagePullPolicy livenessProbe{. failureThreshold httpGet{. path port scheme} periodSeconds successThreshold timeoutSeconds} name resources{. limits{. cpu} requests{. cpu}} terminationMessagePath terminationMessagePolicy volumeMounts{. [mountPath="/x"]{. mountPath name}}}} dnsPolicy enableServiceLinks imagePullSecrets{. [name="s"]} restartPolicy schedulerName securityContext terminationGracePeriodSeconds tolerations volumes{. [name="v"]{. emptyDir name}}}',
        ],
      ),
      create('scheduler', { apiVersion: 'v1', kind: 'Binding', target: { kind: 'Node', name: 'n1' } }, ['201'], {
        subresource: 'binding',
      }),
      strategic(
        'kubelet',
        { status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }], podIPs: [{ ip: '1.2.3.4' }] } },
        [
          '200 "n1"',
          'kubelet/status Update v1: status{conditions{[type="Ready"]{. lastProbeTime lastTransitionTime status type}} phase podIP podIPs{. [ip="1.2.3.4"]{. ip}}}',
        ],
        { subresource: 'status' },
      ),
      strategic(
        'kubelet',
        {
          status: {
            conditions: [
              { type: 'Ready', status: 'False' },
              { type: 'x.io/other', status: 'True' },
            ],
          },
        },
        [
          '200 "n1"',
          'kubelet/status Update v1: status{conditions{[type="Ready"]{. lastProbeTime lastTransitionTime status type} [type="x.io/other"]{. lastProbeTime lastTransitionTime status type}} phase podIP podIPs{. [ip="1.2.3.4"]{. ip}}}',
        ],
        { subresource: 'status' },
      ),
      apply(
        'two',
        { status: { conditions: [{ type: 'x.io/mine', status: 'True' }] }, spec: { nodeName: 'no' } },
        ['200 "n1"', 'two/status Apply v1: status{conditions{[type="x.io/mine"]{. status type}}}'],
        { subresource: 'status' },
      ),
      apply(
        'two',
        { spec: { ephemeralContainers: [{ name: 'e', image: 'j' }] } },
        ['200 "n1"', 'two/ephemeralcontainers Apply v1: spec{ephemeralContainers{[name="e"]{. image name}}}'],
        { subresource: 'ephemeralcontainers' },
      ),
    ],
  },
  {
    ...nodes,
    title: 'Lists that are one value are owned as one',
    name: 'a-node-of-facts',
    shows: ({ spec }: { spec: { taints?: unknown } }) => spec.taints,
    steps: [
      apply('one', { metadata: { labels: { l: '1' } }, spec: { taints: [{ key: 'k', effect: 'NoSchedule' }] } }, [
        '201 [{"effect":"NoSchedule","key":"k"},{"effect":"NoSchedule","key":"node.kubernetes.io/not-ready"}]',
        'one Apply v1: metadata{labels{l}} spec{taints}',
      ]),
      apply('two', { spec: { taints: [{ key: 'j', effect: 'NoSchedule' }] } }, [
        '409 Conflict: Apply failed with 1 conflict: conflict with "one": .spec.taints',
        'FieldManagerConflict .spec.taints: conflict with "one"',
      ]),
      apply(
        'two',
        { spec: { taints: [{ key: 'j', effect: 'NoSchedule' }] } },
        ['200 [{"effect":"NoSchedule","key":"j"}]', 'one Apply v1: metadata{labels{l}}', 'two Apply v1: spec{taints}'],
        { force: true },
      ),
      strategic(
        'kubelet',
        {
          status: {
            capacity: { cpu: '4' },
            addresses: [{ type: 'InternalIP', address: '1.2.3.4' }],
            conditions: [{ type: 'Ready', status: 'True' }],
          },
        },
        [
          '200 [{"effect":"NoSchedule","key":"j"}]',
          'kubelet/status Update v1: status{addresses{. [type="InternalIP"]{. address type}} allocatable{. cpu} capacity{. cpu} conditions{. [type="Ready"]{. lastHeartbeatTime lastTransitionTime status type}}}',
        ],
        { subresource: 'status' },
      ),
    ],
  },
  {
    path: '/apis/networking.k8s.io/v1/namespaces/NS/networkpolicies',
    kind: 'NetworkPolicy',
    title: 'A null is another value than an empty struct, until the server makes it one',
    name: 'nothing',
    shows: ({ spec: { podSelector } }) => podSelector,
    steps: [
      apply('one', { spec: { podSelector: {} } }, ['201 {}', 'one Apply networking.k8s.io/v1: spec{podSelector}']),
      apply('two', { spec: { podSelector: null } }, [
        '409 Conflict: Apply failed with 1 conflict: conflict with "one": .spec.podSelector',
        'FieldManagerConflict .spec.podSelector: conflict with "one"',
      ]),
      apply(
        'two',
        { spec: { podSelector: null } },
        ['200 {}', 'two Apply networking.k8s.io/v1: spec{podSelector}', '- one Apply networking.k8s.io/v1'],
        { force: true },
      ),
    ],
  },
  {
    path: '/apis/batch/v1/namespaces/NS/jobs',
    kind: 'Job',
    title: 'A job without labels has those of its pods, and nobody owns them',
    name: 'labelled',
    shows: ({ metadata: { labels } }) => Object.keys(labels).sort(),
    steps: [
      create('one', { spec: { template: { spec: jobPods } } }, [
        '201 ["batch.kubernetes.io/controller-uid","batch.kubernetes.io/job-name","controller-uid","job-name"]',
        'one Update batch/v1: spec{backoffLimit completionMode completions manualSelector parallelism podReplacementPolicy suspend template{spec{containers{[name="c"]{. image imagePullPolicy name resources terminationMessagePath terminationMessagePolicy}} dnsPolicy restartPolicy schedulerName securityContext terminationGracePeriodSeconds}}}',
      ]),
      apply('two', { metadata: { labels: { a: '1' } } }, [
        '200 ["a","batch.kubernetes.io/controller-uid","batch.kubernetes.io/job-name","controller-uid","job-name"]',
        'two Apply batch/v1: metadata{labels{a}}',
      ]),
      merge('three', { metadata: { labels: null } }, [
        '200 ["batch.kubernetes.io/controller-uid","batch.kubernetes.io/job-name","controller-uid","job-name"]',
        '- two Apply batch/v1',
      ]),
    ],
  },
]
