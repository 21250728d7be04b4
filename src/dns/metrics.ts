/** Counters of the name server, and their text in the exposition format of Prometheus. */
import { RCODES } from './wire.ts'

type Transport = 'udp' | 'tcp'

export class DnsMetrics {
  readonly requests: Record<Transport, number> = { udp: 0, tcp: 0 }
  /** By response code number. */
  readonly responses = new Map<number, number>()
  truncated = 0
  malformed = 0
  cacheHits = 0
  cacheMisses = 0
  forwarded = 0
  forwardFailures = 0
  forwardRefused = 0

  answered(rcode: number): void {
    this.responses.set(rcode, (this.responses.get(rcode) ?? 0) + 1)
  }

  exposition(): string {
    const lines: string[] = []
    const counter = (name: string, help: string, values: readonly (readonly [labels: string, value: number])[]) => {
      lines.push(`# HELP rostrum_dns_${name} ${help}`, `# TYPE rostrum_dns_${name} counter`)
      for (const [labels, value] of values) lines.push(`rostrum_dns_${name}${labels} ${value}`)
    }
    const { udp, tcp } = this.requests
    counter('requests_total', 'Questions received.', [
      ['{proto="udp"}', udp],
      ['{proto="tcp"}', tcp],
    ])
    counter(
      'responses_total',
      'Answers sent, by response code.',
      [...this.responses].map(([rcode, count]) => [`{rcode="${nameOf(rcode)}"}`, count]),
    )
    counter('truncated_total', 'Answers that did not fit into a datagram.', [['', this.truncated]])
    counter('malformed_total', 'Messages that were no proper question.', [['', this.malformed]])
    counter('cache_hits_total', 'Forwarded questions answered from memory.', [['', this.cacheHits]])
    counter('cache_misses_total', 'Forwarded questions that were not in memory.', [['', this.cacheMisses]])
    counter('forward_requests_total', 'Questions sent to other name servers.', [['', this.forwarded]])
    counter('forward_failures_total', 'Questions that another name server did not answer.', [
      ['', this.forwardFailures],
    ])
    counter('forward_refused_total', 'Questions refused because too many were under way.', [['', this.forwardRefused]])
    return `${lines.join('\n')}\n`
  }
}

const nameOf = (rcode: number) => Object.entries(RCODES).find(([, value]) => value === rcode)?.[0] ?? String(rcode)
