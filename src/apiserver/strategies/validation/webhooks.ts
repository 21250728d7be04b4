/** Webhooks of admission, and what else calls out to one. Upstream: `pkg/apis/admissionregistration/validation`. */
import { type GoUrl, parseUrl, UrlError } from '#cel/go-url.ts'
import { dns1035Label, dnsSubdomain, pathSegment, qualifiedName } from '#machinery/names.ts'
import {
  all,
  type Check,
  each,
  evenAbsent,
  evenEmpty,
  fields,
  first,
  must,
  oneOf,
  type Path,
  type Problems,
  required,
  uniqueBy,
} from './check.ts'
import { portNumber } from './formats.ts'
import type { Rules } from './rules.ts'
import { labelSelector } from './selectors.ts'

type Spec = Record<string, any>

const onlyWildcard =
  (others: string): Check =>
  (list: readonly string[], at, to) => {
    if (list.length > 1 && list.includes('*'))
      to.invalid(at, list, `if '*' is present, must not specify other ${others}`)
  }
const notEmpty = each((value: string, at, to) => value === '' && to.required(at))

/** Resources and subresources; a pattern that covers others has to stand alone. */
const resources: Check = (list: readonly string[], at, to) => {
  const [wholes, subresources] = [new Set<string>(), new Set<string>()]
  let hasPlain = false
  list.forEach((pattern, i) => {
    const place = at.index(i)
    if (pattern === '') return to.required(place)
    const [resource = '', ...rest] = pattern.split('/')
    if (rest.length === 0) {
      hasPlain = pattern !== '*'
      return
    }
    const sub = rest.join('/')
    if (wholes.has(resource)) to.invalid(place, pattern, `if '${resource}/*' is present, must not specify ${pattern}`)
    if (subresources.has(sub)) to.invalid(place, pattern, `if '*/${sub}' is present, must not specify ${pattern}`)
    if (sub === '*') wholes.add(resource)
    if (resource === '*') subresources.add(sub)
  })
  if (list.length > 1 && list.includes('*/*')) {
    to.invalid(at, list, "if '*/*' is present, must not specify other resources")
  }
  if (list.includes('*') && hasPlain) {
    to.invalid(at, list, "if '*' is present, must not specify other resources without subresources")
  }
}

const operation = oneOf('*', 'CONNECT', 'CREATE', 'DELETE', 'UPDATE')

const rule = fields({
  operations: [required, onlyWildcard('operations'), each(operation)],
  apiGroups: [required, onlyWildcard('API groups')],
  apiVersions: [required, onlyWildcard('API versions'), notEmpty],
  resources: [required, resources],
  scope: oneOf('*', 'Cluster', 'Namespaced'),
})

const resourceNames: Check = (names: readonly string[], at, to) => {
  const seen = new Set<string>()
  names.forEach((name, i) => {
    to.each(at.index(i), name, pathSegment(name))
    if (seen.has(name)) to.duplicate(at.index(i), name)
    seen.add(name)
  })
}

const namedRules = each(all(fields({ resourceNames }), rule))

const present = (check: Check): Check =>
  evenAbsent((value, at, to) => {
    if (value === undefined) to.required(at)
    else check(value, at, to)
  })

export const failurePolicy = oneOf('Fail', 'Ignore')
export const matchPolicy = oneOf('Equivalent', 'Exact')
export const reinvocationPolicy = oneOf('IfNeeded', 'Never')

/** What an admission policy or its binding is about. */
export const matchResources = fields({
  matchPolicy: present(matchPolicy),
  namespaceSelector: present(labelSelector),
  objectSelector: present(labelSelector),
  resourceRules: namedRules,
  excludeResourceRules: namedRules,
})

const MAX_CONDITIONS = 64
export const matchConditionsOf =
  (hasParams: boolean): Check =>
  (list: readonly Spec[], at, to) => {
    if (list.length > MAX_CONDITIONS) to.tooMany(at, list.length, MAX_CONDITIONS)
    const names = new Set<string>()
    list.forEach(({ name, expression }, i) => {
      const place = at.index(i)
      const source = (expression ?? '').trim()
      const why = source && to.expressions?.condition(source, { hasParams })
      if (!source) to.required(place.at('expression'))
      else if (why) to.invalid(place.at('expression'), source, why)
      if (!name) return to.required(place.at('name'))
      to.each(place.at('name'), name, qualifiedName(name))
      if (names.has(name)) to.duplicate(place.at('name'), name)
      names.add(name)
    })
  }

const FORM = '; desired format: https://host[/path]'

const url: Check = (text: string, at, to) => {
  let parsed: GoUrl
  try {
    parsed = parseUrl(text)
  } catch (err) {
    if (!(err instanceof UrlError)) throw err
    return to.required(at, `url must be a valid URL: ${err.message}${FORM}`)
  }
  const { scheme, host, userinfo, fragment, rawQuery } = parsed
  if (scheme !== 'https') to.invalid(at, scheme, `'https' is the only allowed URL scheme${FORM}`)
  if (!host) to.invalid(at, '', `host must be specified${FORM}`)
  if (userinfo !== undefined) to.invalid(at, userinfo, 'user information is not permitted in the URL')
  if (fragment) to.invalid(at, fragment, 'fragments are not permitted in the URL')
  if (rawQuery) to.invalid(at, rawQuery, 'query parameters are not permitted in the URL')
}

const servicePath: Check = (path: string, at, to) => {
  if (path === '' || path === '/') return
  if (path === '//') return to.invalid(at, path, 'segment[0] may not be empty')
  if (!path.startsWith('/')) to.invalid(at, path, "must start with a '/'")
  const segments = path.slice(1).replace(/\/$/, '').split('/')
  segments.forEach((segment, i) => {
    if (segment === '') to.invalid(at, path, `segment[${i}] may not be empty`)
    else for (const why of dnsSubdomain(segment)) to.invalid(at, path, `segment[${i}]: ${why}`)
  })
}

export const servicePort = evenAbsent((port: number | undefined, at, to) => {
  const whys = portNumber(port ?? 0)
  if (whys.length > 0) to.invalid(at, port ?? 0, `port is not valid: ${whys.join(', ')}`)
})
const service = fields({ name: required, namespace: required, port: servicePort, path: servicePath })

/** Where a webhook is: at a URL or behind a service. */
export function checkClientConfig(config: Spec, at: Path, to: Problems) {
  if ((config.url === undefined) === (config.service === undefined)) {
    to.required(at, 'exactly one of url or service is required')
  } else if (config.url !== undefined) url(config.url, at.at('url'), to)
  else service(config.service, at.at('service'), to)
}

/** Versions of reviews that a webhook takes, at least one of which the server speaks. */
export const reviewVersions =
  (whyRequired: string): Check =>
  (versions: readonly string[], at, to) => {
    if (versions.length === 0) return to.required(at, whyRequired)
    const seen = new Set<string>()
    versions.forEach((version, i) => {
      if (seen.has(version)) return to.invalid(at.index(i), version, 'duplicate version')
      seen.add(version)
      to.each(at.index(i), version, dns1035Label(version))
    })
    if (!seen.has('v1') && !seen.has('v1beta1')) to.invalid(at, versions, 'must include at least one of v1, v1beta1')
  }

const fullyQualified: Check = (name: string, at, to) => {
  const whys = dnsSubdomain(name)
  if (name === '') to.required(at)
  else if (whys.length > 0) to.invalid(at, name, whys.join(','))
  else if (name.split('.').length < 3) {
    to.invalid(at, name, 'should be a domain with at least three segments separated by dots')
  }
}

const MAX_TIMEOUT = 30
const SIDE_EFFECTS = ['None', 'NoneOnDryRun']

const webhook = fields({
  name: evenEmpty(fullyQualified),
  rules: each(rule),
  failurePolicy,
  matchPolicy,
  sideEffects: first(must(`must specify one of ${SIDE_EFFECTS.join(', ')}`), oneOf(...SIDE_EFFECTS)),
  timeoutSeconds: (seconds: number, at, to) => {
    if (seconds < 1 || seconds > MAX_TIMEOUT) {
      to.invalid(at, seconds, 'the timeout value must be between 1 and 30 seconds')
    }
  },
  namespaceSelector: labelSelector,
  objectSelector: labelSelector,
  reinvocationPolicy,
  clientConfig: evenAbsent((config: Spec = {}, at, to) => checkClientConfig(config, at, to)),
  matchConditions: matchConditionsOf(false),
  admissionReviewVersions: evenAbsent((versions = [], at, to) =>
    reviewVersions('must specify one of v1, v1beta1')(versions, at, to),
  ),
})

export const webhookConfigurationRules: Rules = { valid: fields({ webhooks: [each(webhook), uniqueBy('name')] }) }
