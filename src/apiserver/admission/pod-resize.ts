/**
 * A pod on a node may change its size only as far as that node can: it has so much, and supports what is asked for.
 * Upstream: `plugin/pkg/admission/podresize` and `plugin/pkg/admission/nodedeclaredfeatures`.
 */
import type { Node } from '#api/core/v1/node.ts'
import { podTotal } from '#api/core/v1/pod-resources.ts'
import type { Pod } from '#api/core/v1/pod.ts'
import { nodes, pods } from '#api/resources.ts'
import { jsonEqual } from '#base/equal.ts'
import { Quantity } from '#machinery/quantity.ts'
import { StatusError } from '#machinery/status-error.ts'
import type { Api } from '../api.ts'
import type { Stored } from '../registry/strategy.ts'
import type { AdmissionPlugin, AdmissionRequest } from './admission.ts'
import { cachedObject } from './lookup.ts'
import { refused } from './refusal.ts'

/** Features that a node may lack, and which changes of a pod need each. */
const CHANGES_NEED: readonly { feature: string; isNeeded(pod: Pod, old: Pod): boolean }[] = [
  {
    feature: 'InPlacePodLevelResourcesVerticalScaling',
    isNeeded: ({ spec }, { spec: was }) => !jsonEqual(spec.resources, was.resources),
  },
  {
    feature: 'InPlacePodVerticalScalingInitContainers',
    isNeeded: ({ spec }, { spec: was }) =>
      (was.initContainers ?? []).some(
        ({ restartPolicy, resources }, i) =>
          restartPolicy !== 'Always' && !jsonEqual(resources, spec.initContainers?.[i]?.resources),
      ),
  },
]

export const nodeDeclaredFeatures = (api: () => Api): AdmissionPlugin => ({
  name: 'NodeDeclaredFeatureValidator',
  validate(request, object) {
    if (!isConcerned(request, object) || !['', 'resize'].includes(request.subresource)) return
    const [pod, old] = [object, request.old] as unknown as [Pod, Pod]
    const needed = CHANGES_NEED.filter(({ isNeeded }) => isNeeded(pod, old)).map(({ feature }) => feature)
    if (needed.length === 0) return
    const node = nodeOf(api(), request, pod)
    const declared = node.status?.declaredFeatures ?? []
    const missing = needed.filter((feature) => !declared.includes(feature))
    if (missing.length === 0) return
    const why = `pod update requires features ${missing.join(', ')} which are not available on node ${JSON.stringify(node.metadata.name)}`
    throw refused(request, object, why)
  },
})

export const podResize = (api: () => Api): AdmissionPlugin => ({
  name: 'PodResizeValidator',
  validate(request, object) {
    if (!isConcerned(request, object) || request.subresource !== 'resize') return
    const pod = object as unknown as Pod
    const node = nodeOf(api(), request, pod)
    const { name, labels } = node.metadata
    const system = labels?.['kubernetes.io/os']
    if (system !== undefined && system !== 'linux') {
      const why = `pod resize is only supported on linux nodes, node ${JSON.stringify(name)} is ${JSON.stringify(system)}`
      throw withCause(refused(request, object, why), 'UnsupportedPlatform')
    }
    const lacking = lackingOn(node, pod)
    if (lacking.length === 0) return
    const why = `node didn't have enough allocatable resources: ${lacking.join('; ')}`
    throw withCause(refused(request, object, why), 'NodeCapacity')
  },
})

/** The generation counts changes of the specification. */
function isConcerned({ resource, operation, old }: AdmissionRequest, object: Stored | undefined): object is Stored {
  if (resource !== pods || operation !== 'UPDATE' || !object?.spec.nodeName) return false
  return old!.metadata.generation !== object.metadata.generation
}

function nodeOf(api: Api, request: AdmissionRequest, pod: Pod): Node {
  const name = pod.spec.nodeName!
  const node = cachedObject(api, nodes, undefined, name)
  if (!node) throw refused(request, pod, `node ${JSON.stringify(name)} not found`)
  return node
}

function lackingOn({ status }: Node, { spec }: Pod): string[] {
  const requests = podTotal(spec, 'requests')
  const compare = (name: string, scale: number): string[] => {
    const [wanted, there] = [requests[name] ?? '0', status?.allocatable?.[name] ?? '0'].map((text) =>
      Quantity.parse(text),
    )
    if (wanted!.cmp(there!) <= 0) return []
    return [`${name}, requested: ${wanted!.scaledValue(scale)}, allocatable: ${there!.scaledValue(scale)}`]
  }
  return [...compare('cpu', -3), ...compare('memory', 0)]
}

const withCause = ({ message, details }: StatusError, reason: string) =>
  new StatusError('Forbidden', message, { details: { ...details, causes: [{ reason }] } })
