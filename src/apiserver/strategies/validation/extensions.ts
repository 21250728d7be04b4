/** APIServices, by which the API is extended. Upstream: `kube-aggregator/pkg/apis/apiregistration/validation`. */
import { dns1035Label, dnsSubdomain } from '#machinery/names.ts'
import type { Stored } from '../../registry/strategy.ts'
import { type Check, fields, METADATA, oneOf, required, SPEC, STATUS } from './check.ts'
import type { Rules } from './rules.ts'
import { servicePort } from './webhooks.ts'

type Spec = Record<string, any>

const MAX_GROUP_PRIORITY = 20_000
const MAX_VERSION_PRIORITY = 1000

const priority =
  (max: number): Check =>
  (value: number, at, to) => {
    if (value <= 0 || value > max) to.invalid(at, value, `must be positive and less than ${max}`)
  }

const remote = fields({ namespace: required, name: required, port: servicePort })

export const apiServiceRules: Rules = {
  valid: ({ metadata, spec }: Stored, _at, to) => {
    const { group = '', version = '', service, caBundle, insecureSkipTLSVerify: skips } = spec as Spec
    const name = `${version}.${group}`
    if (metadata.name !== name) {
      const why = `must be \`spec.version+"."+spec.group\`: ${JSON.stringify(name)}`
      to.invalid(METADATA.at('name'), metadata.name, why)
    }
    if (!group && version !== 'v1') {
      to.required(SPEC.at('group'), 'only v1 may have an empty group and it better be legacy kube')
    }
    if (group) to.each(SPEC.at('group'), group, dnsSubdomain(group))
    to.each(SPEC.at('version'), version, dns1035Label(version))
    priority(MAX_GROUP_PRIORITY)(spec.groupPriorityMinimum ?? 0, SPEC.at('groupPriorityMinimum'), to)
    priority(MAX_VERSION_PRIORITY)(spec.versionPriority ?? 0, SPEC.at('versionPriority'), to)
    const skipsAt = SPEC.at('insecureSkipTLSVerify')
    if (service) {
      remote(service, SPEC.at('service'), to)
      if (skips && caBundle) to.invalid(skipsAt, true, 'may not be true if caBundle is present')
      return
    }
    if (caBundle) {
      const bytes = Buffer.from(caBundle, 'base64').length
      to.invalid(SPEC.at('caBundle'), `${bytes} bytes`, 'local APIServices may not have a caBundle')
    }
    if (skips) to.invalid(skipsAt, true, 'local APIServices may not have insecureSkipTLSVerify')
  },
  subresources: {
    status({ status = {} }, _old, to) {
      ;(status.conditions ?? []).forEach((condition: Spec, i: number) => {
        const at = STATUS.at('conditions').index(i).at('status')
        oneOf('True', 'False', 'Unknown')(condition.status ?? '', at, to)
      })
    },
  },
}
