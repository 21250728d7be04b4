/**
 * Lets the pods of a cluster on this machine reach the outside, where nftables is there: their traffic leaves with the
 * host's address, and the interface it leaves by forwards what comes back. Whether that interface forwarded before is
 * noted on our own interface (its alias), so that the last cluster to go puts it back, crashes included.
 */
import { messageOf } from '#base/errors.ts'
import type { Log } from '#base/log.ts'
import type { NetworkHost } from './host.ts'
import type { SlotPlan } from './slot.ts'

const FORWARDING_NOTE = 'rostrum:forwarding='
const OUR_LINK = /^rostrum-s\d{1,2}$/
const COMMENT = (plan: SlotPlan) => `rostrum ${plan.hostInterface}`

export async function openUplink(host: NetworkHost, plan: SlotPlan, log: Log): Promise<void> {
  await host.writeSysctl(`net/ipv4/conf/${plan.hostInterface}/forwarding`, '1')
  if (!(await host.hasNft())) {
    log.warn(
      { slot: plan.slot },
      'pods cannot reach addresses outside this machine: nft is not installed (Debian package nftables)',
    )
    return
  }
  await host.nft(masqueradeScript(plan))
  const uplink = await uplinkOf(host)
  if (uplink && (await host.readSysctl(`net/ipv4/conf/${uplink}/forwarding`)) === '0') {
    await host.ip([['link', 'set', 'dev', plan.hostInterface, 'alias', `${FORWARDING_NOTE}${uplink}`]])
    await host.writeSysctl(`net/ipv4/conf/${uplink}/forwarding`, '1')
  }
  await acceptInDockerChain(host, plan, log)
}

/** Before the host's interface is deleted: it carries the note. */
export async function closeUplink(host: NetworkHost, plan: SlotPlan, log: Log): Promise<void> {
  if (await host.hasNft()) {
    await host.nft(`add table ip ${plan.table}\ndelete table ip ${plan.table}\n`)
    await leaveDockerChain(host, plan, log)
  }
  const links = ((await host.ipJson(['link', 'show', 'type', 'veth'])) ?? []) as { ifname: string; ifalias?: string }[]
  const noted = links.find((link) => link.ifname === plan.hostInterface)?.ifalias
  if (!noted?.startsWith(FORWARDING_NOTE)) return
  const uplink = noted.slice(FORWARDING_NOTE.length)
  const heir = links.find((link) => link.ifname !== plan.hostInterface && OUR_LINK.test(link.ifname))
  if (heir) await host.ip([['link', 'set', 'dev', heir.ifname, 'alias', noted]])
  // Somebody else may have turned the machine into a router meanwhile: then it stays one.
  else if ((await host.readSysctl('net/ipv4/ip_forward')) === '0')
    await host.writeSysctl(`net/ipv4/conf/${uplink}/forwarding`, '0')
}

/** Pure: replaces the slot's table in one transaction. */
export function masqueradeScript({ table, podCidr, nodeCidr, hostInterface }: SlotPlan): string {
  return [
    `add table ip ${table}`,
    `delete table ip ${table}`,
    `add table ip ${table}`,
    `add chain ip ${table} postrouting { type nat hook postrouting priority srcnat; }`,
    `add rule ip ${table} postrouting ip saddr { ${podCidr}, ${nodeCidr} } oifname != "${hostInterface}" masquerade`,
    '',
  ].join('\n')
}

async function uplinkOf(host: NetworkHost): Promise<string | undefined> {
  const [route] = ((await host.ipJson(['route', 'show', 'default'])) ?? []) as { dev?: string }[]
  return route?.dev
}

/** Docker drops what it does not know, and reserves a chain for exceptions; where there is no such chain nothing is done. */
async function acceptInDockerChain(host: NetworkHost, plan: SlotPlan, log: Log) {
  if ((await host.run(['nft', 'list', 'chain', 'ip', 'filter', 'DOCKER-USER']))?.code !== 0) return
  await leaveDockerChain(host, plan, log)
  const rules = ['iifname', 'oifname'].map(
    (direction) =>
      `insert rule ip filter DOCKER-USER ${direction} "${plan.hostInterface}" accept comment "${COMMENT(plan)}"\n`,
  )
  await host.nft(rules.join('')).catch((err: unknown) => {
    log.warn({ err: messageOf(err) }, "pods may not reach the outside: Docker's packet filter drops their traffic")
  })
}

async function leaveDockerChain(host: NetworkHost, plan: SlotPlan, log: Log) {
  const listing = await host.run(['nft', '-a', 'list', 'chain', 'ip', 'filter', 'DOCKER-USER'])
  if (listing?.code !== 0) return
  const handles = listing.stdout
    .split('\n')
    .filter((line) => line.includes(`comment "${COMMENT(plan)}"`))
    .map((line) => /# handle (\d+)$/.exec(line.trim())?.[1])
  const script = handles.filter((h) => h !== undefined).map((h) => `delete rule ip filter DOCKER-USER handle ${h}\n`)
  if (script.length === 0) return
  await host.nft(script.join('')).catch((err: unknown) => {
    log.warn({ err: messageOf(err) }, "cannot remove our rules from Docker's chain DOCKER-USER")
  })
}
