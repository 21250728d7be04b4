/**
 * What a machine lacks to run nodes, in words for people: asked by `rostrum doctor`, and worth logging at start. Looks, and
 * changes nothing.
 */
import type { NetworkHost } from './host.ts'
import { findSlotConflicts } from './machine.ts'

export interface NetworkFinding {
  /** CamelCase, stable. */
  reason: string
  /** `error`: nodes cannot run; `warning`: something is missing that clusters can do without. */
  severity: 'error' | 'warning'
  message: string
  /** What to do about it. */
  remedy: string
}

/** Findings in order of weight; empty when all is well. With `slot`, also whether its ranges are free. */
export async function checkNetwork(host: NetworkHost, slot?: number): Promise<NetworkFinding[]> {
  const findings: NetworkFinding[] = []
  if ((await host.run(['ip', '-V'])) === undefined) {
    findings.push({
      reason: 'Iproute2Missing',
      severity: 'error',
      message: 'the program ip is not installed; pods and nodes cannot be connected',
      remedy: 'apt-get install iproute2',
    })
    return findings
  }
  if (!(await host.hasNft())) {
    findings.push({
      reason: 'NftMissing',
      severity: 'warning',
      message:
        'nft is not installed: services are forwarded in user space, pods see the address of the node instead of that of ' +
        'their clients, and cannot reach addresses outside the cluster',
      remedy: 'apt-get install nftables',
    })
  } else if ((await host.run(['conntrack', '-V'])) === undefined) {
    findings.push({
      reason: 'ConntrackMissing',
      severity: 'warning',
      message: 'conntrack is not installed: UDP clients that never pause keep sending to endpoints that are gone',
      remedy: 'apt-get install conntrack',
    })
  }
  for (const { cidr, device } of slot === undefined ? [] : await findSlotConflicts(host, slot)) {
    findings.push({
      reason: 'AddressesInUse',
      severity: 'error',
      message: `this machine already routes ${cidr} through ${device}, which overlaps with the addresses of the cluster`,
      remedy: 'choose another slot for the cluster',
    })
  }
  return findings
}
