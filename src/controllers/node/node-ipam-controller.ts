/** Gives each node a range of addresses for its pods (`spec.podCIDRs`), one of each cluster network. Upstream: the range allocator of nodeipam. */
import type { Node } from '#api/core/v1/node.ts'
import { nodes as nodeResource } from '#api/resources.ts'
import { isStatus } from '#machinery/status-error.ts'
import { type Controller, type ControllerContext, reconcileLoop } from '../controller.ts'
import { CidrAllocator, CidrExhaustedError, parseCidr } from './cidr-allocator.ts'

export interface NodeIpamOptions {
  /** Networks of the pods, at most one of each family, the primary first. */
  clusterCidrs: readonly string[]
  /** Networks that must not be given to nodes, such as those of Services. */
  reservedCidrs?: readonly string[]
  /** Bits of a node's network. Default 24 and 64. */
  maskIPv4?: number
  maskIPv6?: number
}

export const createNodeIpamController = (options: NodeIpamOptions): Controller => ({
  name: 'nodeipam',
  start: (context) => startNodeIpam(context, options),
})

/** Throws RangeError for networks that can't be used. */
function startNodeIpam(context: ControllerContext, options: NodeIpamOptions): void {
  const { client, informers } = context
  const recorder = context.recorder.as('cidrAllocator')
  const allocators = options.clusterCidrs.map((cidr) => {
    const { family } = parseCidr(cidr)
    return new CidrAllocator(cidr, family === 4 ? (options.maskIPv4 ?? 24) : (options.maskIPv6 ?? 64))
  })
  for (const cidr of options.reservedCidrs ?? []) for (const allocator of allocators) allocator.occupy(cidr)
  const nodes = informers.for(nodeResource)
  /** What was given out and may not be in the copy yet, by the node's name. */
  const given = new Map<string, string[]>()

  const queue = reconcileLoop(context, {
    name: 'nodeipam',
    caches: [nodes],
    // One at a time: each takes from the same allocators.
    concurrency: 1,
    async reconcile(name, signal) {
      const node = nodes.get(undefined, name)
      if (!node || hasCidrs(node)) return
      const podCIDRs = given.get(name) ?? allocate(node)
      given.set(name, podCIDRs)
      try {
        const patch = { metadata: { uid: node.metadata.uid }, spec: { podCIDR: podCIDRs[0], podCIDRs } }
        await client.patch(nodeResource, { name }, patch, { type: 'merge', signal })
      } catch (err) {
        if (!isStatus(err, 'NotFound', 'Conflict', 'Invalid')) throw err
        // The node has gone, or got its ranges from elsewhere.
        release(name, podCIDRs)
      }
    },
  })

  const allocate = (node: Node): string[] => {
    const taken: string[] = []
    try {
      for (const allocator of allocators) taken.push(allocator.allocate())
      return taken
    } catch (err) {
      release(node.metadata.name, taken)
      if (err instanceof CidrExhaustedError) {
        const { name, uid } = node.metadata
        const message = `Node ${name} status is now: CIDRNotAvailable`
        recorder.event({ apiVersion: 'v1', kind: 'Node', name, uid }, 'Normal', 'CIDRNotAvailable', message)
      }
      throw err
    }
  }
  const release = (name: string, cidrs: readonly string[]) => {
    given.delete(name)
    for (const cidr of cidrs) for (const allocator of allocators) allocator.release(cidr)
  }
  const occupy = (node: Node) => {
    for (const cidr of cidrsOf(node)) for (const allocator of allocators) allocator.occupy(cidr)
    given.delete(node.metadata.name)
  }

  // The ranges in use are all known before the first is given, since nothing is reconciled before the copy is complete.
  nodes.handle({
    added(node) {
      if (hasCidrs(node)) occupy(node)
      else queue.add(node.metadata.name)
    },
    updated(node, previous) {
      if (hasCidrs(node)) {
        if (!hasCidrs(previous)) occupy(node)
      } else queue.add(node.metadata.name)
    },
    deleted(node) {
      const { name } = node.metadata
      release(name, hasCidrs(node) ? cidrsOf(node) : (given.get(name) ?? []))
    },
  })
}

function cidrsOf({ spec }: Node): readonly string[] {
  if (spec.podCIDRs && spec.podCIDRs.length > 0) return spec.podCIDRs
  return spec.podCIDR ? [spec.podCIDR] : []
}

const hasCidrs = (node: Node) => cidrsOf(node).length > 0
