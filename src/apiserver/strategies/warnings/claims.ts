/** Warnings about what claims ask for. Upstream: `pkg/api/persistentvolumeclaim`. */
import type { Path } from '../validation/check.ts'
import { isFractional } from './shared-warnings.ts'

export function claimSpecWarnings(spec: Record<string, any> | undefined, at: Path): string[] {
  return ['requests', 'limits'].flatMap((list) => {
    const amount: string | undefined = spec?.resources?.[list]?.storage
    if (amount === undefined || !isFractional(amount)) return []
    const place = at.at('resources', list).key('storage')
    return [`${place}: fractional byte value ${JSON.stringify(amount)} is invalid, must be an integer`]
  })
}
