/** Conditions of the common type. Upstream: `ValidateConditions` of `apimachinery/pkg/apis/meta/v1/validation`. */
import { qualifiedName } from '#machinery/names.ts'
import type { Path, Problems } from './check.ts'

const STATUSES = ['False', 'True', 'Unknown']
const REASON = /^[A-Za-z](?:[A-Za-z0-9_,:]*[A-Za-z0-9_])?$/
const MAX_REASON = 1024
const MAX_MESSAGE = 32 * 1024

export function checkConditions(conditions: readonly Record<string, any>[], at: Path, to: Problems) {
  const seen = new Set<string>()
  conditions.forEach(({ type = '', status = '', observedGeneration = 0, reason = '', message = '', ...rest }, i) => {
    const place = at.index(i)
    if (seen.has(type)) to.duplicate(place.at('type'), type)
    seen.add(type)
    to.each(place.at('type'), type, qualifiedName(type))
    if (!STATUSES.includes(status)) to.unsupported(place.at('status'), status, STATUSES)
    if (observedGeneration < 0) {
      to.invalid(place.at('observedGeneration'), observedGeneration, 'must be greater than or equal to zero')
    }
    if (!rest.lastTransitionTime) to.required(place.at('lastTransitionTime'))
    if (!reason) to.required(place.at('reason'))
    else if (!REASON.test(reason)) {
      const why =
        "a condition reason must start with alphabetic character, optionally followed by a string of alphanumeric characters or '_,:', and must end with an alphanumeric character or '_' (e.g. 'my_name',  or 'MY_NAME',  or 'MyName',  or 'ReasonA,ReasonB',  or 'ReasonA:ReasonB', regex used for validation is '[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?')"
      to.invalid(place.at('reason'), reason, why)
    }
    if (reason.length > MAX_REASON) to.tooLong(place.at('reason'), MAX_REASON)
    if (message.length > MAX_MESSAGE) to.tooLong(place.at('message'), MAX_MESSAGE)
  })
}
