/**
 * HorizontalPodAutoscalers of autoscaling/v1, which knows nothing but CPU utilization, from and to autoscaling/v2. Other
 * metrics, conditions and scaling behaviour are kept as JSON in annotations, in the form that clients of v1 know.
 */
import { isObject } from '#base/json.ts'
import type { KubeObject } from '#api/kind.ts'

type Data = Record<string, any>
type Autoscaler = Data & KubeObject

const METRICS = 'autoscaling.alpha.kubernetes.io/metrics'
const CURRENT_METRICS = 'autoscaling.alpha.kubernetes.io/current-metrics'
const CONDITIONS = 'autoscaling.alpha.kubernetes.io/conditions'
const BEHAVIOR = 'autoscaling.alpha.kubernetes.io/behavior'
const ownAnnotations = [METRICS, CURRENT_METRICS, CONDITIONS, BEHAVIOR]

const DEFAULT_CPU_PERCENT = 80

export function autoscalerToV1(autoscaler: Autoscaler): KubeObject {
  const { spec, status = {} } = autoscaler
  const metrics: Data[] = spec.metrics ?? []
  const cpu = metrics.find(isCpuUtilization)?.resource.target.averageUtilization
  const currentCpu = (status.currentMetrics ?? []).findLast(
    (metric: Data) => metric.resource?.name === 'cpu' && metric.resource.current?.averageUtilization !== undefined,
  )?.resource.current.averageUtilization
  const others = metrics.filter((metric) => !isCpuUtilization(metric)).map(specToV1)
  const currents: Data[] = (status.currentMetrics ?? []).map(statusToV1)
  const { metrics: _metrics, behavior, ...v1Spec } = spec
  const { currentMetrics: _current, conditions = [], ...rest } = status
  const v1Status = { currentReplicas: 0, desiredReplicas: 0, ...rest }
  return withAnnotations(
    {
      ...autoscaler,
      apiVersion: 'autoscaling/v1',
      spec: { ...v1Spec, ...(cpu !== undefined && { targetCPUUtilizationPercentage: cpu }) },
      status: { ...v1Status, ...(currentCpu !== undefined && { currentCPUUtilizationPercentage: currentCpu }) },
    },
    {
      ...(others.length > 0 && { [METRICS]: JSON.stringify(others) }),
      ...(currents.length > 0 && { [CURRENT_METRICS]: JSON.stringify(currents) }),
      ...(conditions.length > 0 && { [CONDITIONS]: JSON.stringify(conditions) }),
      ...(behavior && { [BEHAVIOR]: JSON.stringify(behaviorToGo(behavior)) }),
    },
  )
}

export function autoscalerFromV1(autoscaler: Autoscaler): KubeObject {
  const annotations = autoscaler.metadata.annotations ?? {}
  const { targetCPUUtilizationPercentage: cpu, ...spec } = autoscaler.spec
  const { currentCPUUtilizationPercentage: currentCpu, currentReplicas, ...rest } = autoscaler.status ?? {}
  // Optional in v2, where a zero is not shown.
  const status = currentReplicas ? { currentReplicas, ...rest } : rest
  const others = parsed<Data[]>(annotations[METRICS], Array.isArray)?.map(specFromV1) ?? []
  const metrics = [...others, ...(cpu === undefined ? [] : [cpuUtilization(cpu)])]
  const currents =
    parsed<Data[]>(annotations[CURRENT_METRICS], Array.isArray)?.map(statusFromV1) ??
    (currentCpu === undefined
      ? undefined
      : [{ type: 'Resource', resource: { name: 'cpu', current: { averageUtilization: currentCpu } } }])
  const conditions = parsed<Data[]>(annotations[CONDITIONS], Array.isArray)
  const behavior = parsed<Data>(annotations[BEHAVIOR], isObject)
  return withAnnotations(
    {
      ...autoscaler,
      apiVersion: 'autoscaling/v2',
      spec: {
        ...spec,
        metrics: metrics.length > 0 ? metrics : [cpuUtilization(DEFAULT_CPU_PERCENT)],
        ...(behavior && { behavior: behaviorFromGo(behavior) }),
      },
      status: { ...status, ...(currents && { currentMetrics: currents }), ...(conditions && { conditions }) },
    },
    {},
  )
}

function isCpuUtilization({ type, resource }: Data): boolean {
  return type === 'Resource' && resource?.name === 'cpu' && resource.target?.averageUtilization !== undefined
}

const cpuUtilization = (percent: number): Data => ({
  type: 'Resource',
  resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: percent } },
})

/** The object with its own annotations exchanged for these. */
function withAnnotations(object: Autoscaler, own: Record<string, string>): KubeObject {
  const { annotations = {}, ...meta } = object.metadata
  const rest = Object.entries(annotations).filter(([key]) => !ownAnnotations.includes(key))
  const all = { ...Object.fromEntries(rest), ...own }
  const metadata = { ...meta, ...(Object.keys(all).length > 0 && { annotations: all }) }
  return { ...object, metadata } as KubeObject
}

/** What an annotation holds; people can write anything into it, so what does not fit is as good as absent. */
function parsed<T>(text: string | undefined, fits: (value: unknown) => boolean): T | undefined {
  if (text === undefined) return undefined
  try {
    const value: unknown = JSON.parse(text)
    return fits(value) ? (value as T) : undefined
  } catch {
    return undefined
  }
}

const some = (entries: Data): Data =>
  Object.fromEntries(Object.entries(entries).filter(([, value]) => value !== undefined))

const ZERO = '0'

/** Each source of a metric, there and back. `value` is required in v1 where v2 may have an average instead. */
const sources: Readonly<
  Record<
    string,
    {
      toV1(source: Data, target: Data): Data
      fromV1(source: Data): Data
      statusToV1(source: Data, current: Data): Data
      statusFromV1(source: Data): Data
    }
  >
> = {
  object: {
    toV1: ({ describedObject, metric }, { value, averageValue }) =>
      some({
        target: describedObject,
        metricName: metric?.name,
        targetValue: value ?? ZERO,
        selector: metric?.selector,
        averageValue,
      }),
    fromV1: ({ target, metricName, targetValue, selector, averageValue }) => ({
      describedObject: target,
      metric: some({ name: metricName, selector }),
      target: valueTarget(targetValue, averageValue),
    }),
    statusToV1: ({ describedObject, metric }, { value, averageValue }) =>
      some({
        target: describedObject,
        metricName: metric?.name,
        currentValue: value ?? ZERO,
        selector: metric?.selector,
        averageValue,
      }),
    statusFromV1: ({ target, metricName, currentValue, selector, averageValue }) => ({
      describedObject: target,
      metric: some({ name: metricName, selector }),
      current: some({ value: currentValue, averageValue }),
    }),
  },
  pods: {
    toV1: ({ metric }, { averageValue }) =>
      some({ metricName: metric?.name, targetAverageValue: averageValue ?? ZERO, selector: metric?.selector }),
    fromV1: ({ metricName, targetAverageValue, selector }) => ({
      metric: some({ name: metricName, selector }),
      target: { type: 'AverageValue', averageValue: targetAverageValue },
    }),
    statusToV1: ({ metric }, { averageValue }) =>
      some({ metricName: metric?.name, currentAverageValue: averageValue ?? ZERO, selector: metric?.selector }),
    statusFromV1: ({ metricName, currentAverageValue, selector }) => ({
      metric: some({ name: metricName, selector }),
      current: some({ averageValue: currentAverageValue }),
    }),
  },
  resource: resourceSource(),
  containerResource: resourceSource(),
  external: {
    toV1: ({ metric }, { value, averageValue }) =>
      some({
        metricName: metric?.name,
        metricSelector: metric?.selector,
        targetValue: value,
        targetAverageValue: averageValue,
      }),
    fromV1: ({ metricName, metricSelector, targetValue, targetAverageValue }) => ({
      metric: some({ name: metricName, selector: metricSelector }),
      target: valueTarget(targetValue, targetAverageValue),
    }),
    statusToV1: ({ metric }, { value, averageValue }) =>
      some({
        metricName: metric?.name,
        metricSelector: metric?.selector,
        currentValue: value ?? ZERO,
        currentAverageValue: averageValue,
      }),
    statusFromV1: ({ metricName, metricSelector, currentValue, currentAverageValue }) => ({
      metric: some({ name: metricName, selector: metricSelector }),
      current: some({ value: currentValue, averageValue: currentAverageValue }),
    }),
  },
}

function resourceSource(): (typeof sources)[string] {
  return {
    toV1: ({ name, container }, { averageUtilization, averageValue }) =>
      some({ name, container, targetAverageUtilization: averageUtilization, targetAverageValue: averageValue }),
    fromV1: ({ name, container, targetAverageUtilization, targetAverageValue }) => ({
      ...some({ name, container }),
      target: some({
        type: targetAverageUtilization === undefined ? 'AverageValue' : 'Utilization',
        averageUtilization: targetAverageUtilization,
        averageValue: targetAverageValue,
      }),
    }),
    statusToV1: ({ name, container }, { averageUtilization, averageValue }) =>
      some({
        name,
        container,
        currentAverageUtilization: averageUtilization,
        currentAverageValue: averageValue ?? ZERO,
      }),
    statusFromV1: ({ name, container, currentAverageUtilization, currentAverageValue }) => ({
      ...some({ name, container }),
      current: some({ averageUtilization: currentAverageUtilization, averageValue: currentAverageValue }),
    }),
  }
}

function valueTarget(value: string | undefined, averageValue: string | undefined): Data {
  if (averageValue === undefined) return some({ type: 'Value', value })
  return some({ type: 'AverageValue', value: value === ZERO ? undefined : value, averageValue })
}

/** Applies `convert` to the one source that the metric has. */
function convertSource(metric: Data, convert: (kind: (typeof sources)[string], source: Data) => Data): Data {
  const out: Data = { type: metric.type }
  for (const [name, kind] of Object.entries(sources)) {
    if (isObject(metric[name])) out[name] = convert(kind, metric[name])
  }
  return out
}

const specToV1 = (metric: Data) => convertSource(metric, (kind, source) => kind.toV1(source, source.target ?? {}))
const specFromV1 = (metric: Data) => convertSource(metric, (kind, source) => kind.fromV1(source))
const statusToV1 = (metric: Data) =>
  convertSource(metric, (kind, source) => kind.statusToV1(source, source.current ?? {}))
const statusFromV1 = (metric: Data) => convertSource(metric, (kind, source) => kind.statusFromV1(source))

const RULES = ['stabilizationWindowSeconds', 'selectPolicy', 'policies', 'tolerance'] as const
const DIRECTIONS = ['scaleUp', 'scaleDown'] as const
const capitalized = (name: string) => name.charAt(0).toUpperCase() + name.slice(1)

/** The behaviour is written with the names that Go gives to fields without tags, and null for what is not set. */
function behaviorToGo(behavior: Data): Data {
  const policyToGo = (policy: Data) => ({ Type: policy.type, Value: policy.value, PeriodSeconds: policy.periodSeconds })
  const rulesToGo = (rules: Data | undefined) =>
    rules === undefined
      ? null
      : Object.fromEntries(
          RULES.map((rule) => [
            capitalized(rule),
            (rule === 'policies' ? rules.policies?.map(policyToGo) : rules[rule]) ?? null,
          ]),
        )
  return Object.fromEntries(DIRECTIONS.map((direction) => [capitalized(direction), rulesToGo(behavior[direction])]))
}

/** Reads both spellings of names, as Go's decoder does. */
function behaviorFromGo(value: unknown): any {
  if (Array.isArray(value)) return value.map(behaviorFromGo)
  if (!isObject(value)) return value
  return Object.fromEntries(
    Object.entries(value as Data)
      .filter(([, inner]) => inner !== null)
      .map(([name, inner]) => [name.charAt(0).toLowerCase() + name.slice(1), behaviorFromGo(inner)]),
  )
}
