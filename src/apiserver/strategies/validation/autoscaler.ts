/** HorizontalPodAutoscalers as they are stored, in autoscaling/v2. Upstream: `pkg/apis/autoscaling/validation`. */
import { own } from '#base/own.ts'
import { dnsLabel, pathSegment } from '#machinery/names.ts'
import { Quantity } from '#machinery/quantity.ts'
import type { Stored } from '../../registry/strategy.ts'
import {
  all,
  type Check,
  each,
  evenAbsent,
  fields,
  first,
  must,
  named,
  nonNegative,
  nonNegativeQuantity,
  oneOf,
  type Path,
  type Problems,
  required,
  SPEC,
  STATUS,
  strictlyNamed,
} from './check.ts'
import { containerResourceName } from './resources.ts'
import type { Rules } from './rules.ts'

type Spec = Record<string, any>

const MAX_PERIOD_SECONDS = 1800
const MAX_WINDOW_SECONDS = 3600

const segment = first(required, strictlyNamed(pathSegment))
const referenceNames = fields({ kind: segment, name: segment })

function checkReference(reference: Spec, needsGroup: boolean, at: Path, to: Problems) {
  referenceNames(reference, at, to)
  const { apiVersion = '' } = reference
  const place = at.at('apiVersion')
  const parts = apiVersion.split('/')
  if (parts.length > 2) to.invalid(place, apiVersion, `unexpected GroupVersion string: ${apiVersion}`)
  else if (needsGroup && (parts.length < 2 || parts[0] === '')) {
    to.invalid(place, apiVersion, 'apiVersion must specify API group')
  }
}

const positive: Check = (value: string, at, to) => {
  if (Quantity.parse(value).sign <= 0) to.invalid(at, value, 'must be positive')
}

const targetTypes = ['Utilization', 'Value', 'AverageValue']
const target = fields({
  type: all(
    must('must specify a metric target type'),
    evenAbsent((type = '', at, to) => {
      if (!targetTypes.includes(type)) to.invalid(at, type, 'must be either Utilization, Value, or AverageValue')
    }),
  ),
  value: positive,
  averageValue: positive,
  averageUtilization: (value: number, at, to) => value < 1 && to.invalid(at, value, 'must be greater than 0'),
})

const metric = fields({ name: first(must('must specify a metric name'), strictlyNamed(pathSegment)) })

const rawOrUtilization: Check = ({ target: { averageUtilization, averageValue } = {} as Spec }, at, to) => {
  const place = at.at('target')
  if (averageUtilization === undefined && averageValue === undefined) {
    const why = 'must set either a target raw value or a target utilization'
    to.required(place.at('averageUtilization'), why)
  } else if (averageUtilization !== undefined && averageValue !== undefined) {
    to.forbidden(place.at('averageValue'), 'may not set both a target raw value and a target utilization')
  }
}

/** By the field of the source; upstream looks at them in this order. */
const sources: Readonly<Record<string, Check>> = {
  object: all(
    ({ describedObject = {} }: Spec, at, to) => checkReference(describedObject, false, at.at('describedObject'), to),
    fields({ metric, target }),
    ({ target: { value, averageValue } = {} as Spec }, at, to) => {
      if (value !== undefined || averageValue !== undefined) return
      to.required(at.at('target', 'averageValue'), 'must set either a target value or averageValue')
    },
  ),
  external: all(fields({ metric, target }), ({ target: { value, averageValue } = {} as Spec }, at, to) => {
    const place = at.at('target')
    if (value === undefined && averageValue === undefined) {
      to.required(place.at('averageValue'), 'must set either a target value for metric or a per-pod target')
    } else if (value !== undefined && averageValue !== undefined) {
      to.forbidden(place.at('value'), 'may not set both a target value for metric and a per-pod target')
    }
  }),
  pods: all(fields({ metric, target }), ({ target: { averageValue } = {} as Spec }, at, to) => {
    if (averageValue === undefined) {
      to.required(at.at('target', 'averageValue'), 'must specify a positive target averageValue')
    }
  }),
  resource: all(fields({ name: must('must specify a resource name'), target }), rawOrUtilization),
  containerResource: all(
    fields({
      name: first(must('must specify a resource name'), (name: string, at, to) => containerResourceName(name, at, to)),
      container: first(must('must specify a container'), named(dnsLabel)),
      target,
    }),
    rawOrUtilization,
  ),
}

const fieldOf: Readonly<Record<string, string>> = {
  ContainerResource: 'containerResource',
  External: 'external',
  Object: 'object',
  Pods: 'pods',
  Resource: 'resource',
}

const metricSpec: Check = (spec: Spec, at, to) => {
  const { type } = spec
  if (!type) to.required(at.at('type'), 'must specify a metric source type')
  const expected = own(fieldOf, type)
  if (!expected) to.unsupported(at.at('type'), type ?? '', Object.keys(fieldOf))
  const present = Object.keys(sources).filter((name) => spec[name] !== undefined)
  const [found] = present
  if (found) sources[found]!(spec[found], at.at(found), to)
  if (expected && spec[expected] === undefined) {
    to.required(at.at(expected), 'must populate information for the given metric source')
  }
  if (present.length === 1) return
  for (const name of present) {
    if (name !== expected) to.forbidden(at.at(name), 'must populate the given metric source only')
  }
}

const seconds =
  (max: number): Check =>
  (value: number, at, to) => {
    if (value > max) to.invalid(at, value, `must be less than or equal to ${max}`)
  }
const moreThanZero = evenAbsent((value: number = 0, at, to) => {
  if (value <= 0) to.invalid(at, value, 'must be greater than zero')
})

const scalingRules = fields({
  stabilizationWindowSeconds: [
    (value: number, at, to) => value < 0 && to.invalid(at, value, 'must be greater than or equal to zero'),
    seconds(MAX_WINDOW_SECONDS),
  ],
  selectPolicy: oneOf('Disabled', 'Max', 'Min'),
  policies: [
    must('must specify at least one Policy'),
    each(
      fields({
        type: evenAbsent((type = '', at, to) => oneOf('Percent', 'Pods')(type, at, to)),
        value: moreThanZero,
        periodSeconds: [moreThanZero, seconds(MAX_PERIOD_SECONDS)],
      }),
    ),
  ],
  tolerance: nonNegativeQuantity,
})

const rest = fields({
  metrics: each(metricSpec),
  behavior: fields({ scaleUp: scalingRules, scaleDown: scalingRules }),
})

function checkReplicas({ minReplicas, maxReplicas = 0 }: Spec, to: Problems) {
  if (minReplicas < 1) to.invalid(SPEC.at('minReplicas'), minReplicas, 'must be greater than or equal to 1')
  const at = SPEC.at('maxReplicas')
  if (maxReplicas === 0) to.required(at, 'must be set and greater than 0')
  else if (maxReplicas < 0) to.invalid(at, maxReplicas, 'must be greater than or equal to 1')
  if (maxReplicas < minReplicas) to.invalid(at, maxReplicas, 'must be greater than or equal to `minReplicas`')
}

export const autoscalerRules: Rules = {
  valid: (autoscaler: Stored, _at, to) => {
    const spec = autoscaler.spec as Spec
    const reference: Spec = spec.scaleTargetRef ?? {}
    checkReplicas(spec, to)
    checkReference(reference, reference.kind !== 'ReplicationController', SPEC.at('scaleTargetRef'), to)
    rest(spec, SPEC, to)
  },
  subresources: {
    status: ({ status = {} }, _old, to) =>
      fields({ currentReplicas: nonNegative, desiredReplicas: nonNegative })(status, STATUS, to),
  },
}
