/** Which requests a claim has, for what refers to them. Upstream: `requestNames` of `pkg/apis/resource/validation`. */
import type { Check } from './check.ts'
import { deviceName } from './devices.ts'

const NO_SUCH = "must be the name of a request in the claim or the name of a request and a subrequest separated by '/'"

interface Request {
  name?: string
  firstAvailable?: readonly { name?: string }[]
}

export class RequestNames {
  readonly #alternatives = new Map<string, ReadonlySet<string>>()

  constructor({ requests = [] }: { requests?: readonly Request[] }) {
    for (const { name = '', firstAvailable = [] } of requests) {
      this.#alternatives.set(name, new Set(firstAvailable.map((one) => one.name ?? '')))
    }
  }

  /** `request` or `request/subrequest`. */
  readonly reference: Check = (name: string, at, to) => {
    const parts = name.split('/')
    if (parts.length > 2) return to.invalid(at, name, NO_SUCH)
    for (const part of parts) deviceName(part, at, to)
    const alternatives = this.#alternatives.get(parts[0]!)
    const isKnown = alternatives && (parts.length === 1 || alternatives.has(parts[1]!))
    if (!isKnown) to.invalid(at, name, NO_SUCH)
  }
}
