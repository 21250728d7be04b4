/** How plug-ins say no: a Forbidden that names the object as far as it has a name yet. Upstream: `admission.NewForbidden`. */
import { forbidden, type StatusError } from '#machinery/status-error.ts'
import type { Stored } from '../registry/strategy.ts'
import type { AdmissionRequest } from './admission.ts'

export function refused(request: AdmissionRequest, object: Stored | undefined, why: string): StatusError {
  const { name, generateName } = object?.metadata ?? {}
  return forbidden(request.resource, request.name || name || generateName || 'Unknown', why)
}

/** Several reasons as one text, each of them once. Upstream: `errors.NewAggregate`. */
export function aggregated(whys: readonly string[]): string {
  const unique = [...new Set(whys)]
  return unique.length === 1 ? unique[0]! : `[${unique.join(', ')}]`
}
