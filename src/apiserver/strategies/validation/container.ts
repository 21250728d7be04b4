/**
 * Containers of a pod: what all of them need, and what only regular, init or ephemeral ones may have. Upstream:
 * `validateContainerCommon`, `validateContainers`, `validateInitContainers`, `validateEphemeralContainers`.
 */
import { dnsLabel, dnsSubdomain } from '#machinery/names.ts'
import {
  all,
  type Check,
  each,
  evenAbsent,
  fields,
  first,
  maxItems,
  named,
  nonNegative,
  oneOf,
  oneSource,
  type Path,
  type Problems,
  required,
  strictlyNamed,
} from './check.ts'
import { envFieldRef, resourceFieldRef } from './field-refs.ts'
import { configKey, envName, httpHeaderName, portName, portNumber } from './formats.ts'
import { descendingPath, noBacksteps } from './paths.ts'
import { containerRequirements } from './resources.ts'
import { containerSecurity } from './security.ts'
import { pullPolicy } from './volumes.ts'

export type Container = Record<string, any> & { name: string }

/** What of the pod its containers are judged by. */
export interface PodContext {
  readonly volumes: ReadonlyMap<string, Record<string, any>>
  readonly claimNames: ReadonlySet<string>
  readonly restartPolicy: string
  readonly hostUsers: boolean
  readonly gracePeriodSeconds: number | undefined
}

const protocol = first(required, oneOf('SCTP', 'TCP', 'UDP'))
const port: Check = (value: number, at, to) => to.each(at, value, portNumber(value))

const ports: Check = (list: readonly Record<string, any>[], at, to) => {
  const names = new Set<string>()
  list.forEach(({ name, containerPort, hostPort, protocol: transport }, i) => {
    const place = at.index(i)
    if (name) {
      const whys = portName(name)
      if (whys.length > 0) to.each(place.at('name'), name, whys)
      else if (names.has(name)) to.duplicate(place.at('name'), name)
      else names.add(name)
    }
    if (!containerPort) to.required(place.at('containerPort'))
    else port(containerPort, place.at('containerPort'), to)
    if (hostPort) port(hostPort, place.at('hostPort'), to)
    protocol(transport, place.at('protocol'), to)
  })
}

/** A number, or the name of a port. */
export const portOrName: Check = (value: number | string | undefined, at, to) => {
  if (typeof value === 'string') to.each(at, value, portName(value))
  else to.each(at, value ?? 0, portNumber(value ?? 0))
}
portOrName.seesMissing = true

const keyRef = fields({
  name: strictlyNamed(dnsSubdomain),
  key: first(required, named(configKey)),
})
const keyRefNamed: Check = (ref, at, to) => keyRef({ name: '', ...ref }, at, to)

const fileKeyRef = fields({
  key: first(required, named(envName)),
  volumeName: first(required, named(dnsLabel)),
  path: first(required, noBacksteps),
})

const envSources: Readonly<Record<string, Check>> = {
  fieldRef: envFieldRef,
  resourceFieldRef: resourceFieldRef(false),
  configMapKeyRef: keyRefNamed,
  secretKeyRef: keyRefNamed,
  fileKeyRef,
}
const NO_ENV_SOURCE = 'must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef` or `secretKeyRef`'
const SEVERAL = 'may not have more than one field specified at a time'

const env: Check = each((variable: { name: string; value?: string; valueFrom?: Record<string, any> }, at, to) => {
  if (!variable.name) to.required(at.at('name'))
  else to.each(at.at('name'), variable.name, envName(variable.name))
  const { valueFrom: from } = variable
  if (!from) return
  const place = at.at('valueFrom')
  const sources = Object.keys(envSources).filter((name) => from[name] !== undefined)
  for (const name of sources) envSources[name]!(from[name], place.at(name), to)
  if (sources.length === 0) to.invalid(place, '', NO_ENV_SOURCE)
  else if (variable.value) to.invalid(place, '', 'may not be specified when `value` is not empty')
  else if (sources.length > 1) to.invalid(place, '', SEVERAL)
})

const envSourceName = fields({ name: first(required, named(dnsSubdomain)) })

/** Missing and double sources are reported at the list, as upstream has it. */
const envFrom: Check = (list: readonly Record<string, any>[], at, to) => {
  list.forEach((source, i) => {
    const place = at.index(i)
    if (source.prefix) to.each(place.at('prefix'), source.prefix, envName(source.prefix))
    const given = ['configMapRef', 'secretRef'].filter((name) => source[name] !== undefined)
    for (const name of given) envSourceName(source[name], place.at(name), to)
    if (given.length === 0) to.invalid(at, '', 'must specify one of: `configMapRef` or `secretRef`')
    else if (given.length > 1) to.invalid(at, '', SEVERAL)
  })
}

const propagation = oneOf('Bidirectional', 'HostToContainer', 'None')
const recursiveReadOnly = oneOf('Disabled', 'Enabled', 'IfPossible')

/** Paths inside of mounts are reported at the list, as upstream has it. */
function checkMounts(container: Container, { volumes }: PodContext, at: Path, to: Problems) {
  const devices: { name: string; devicePath: string }[] = container.volumeDevices ?? []
  const deviceNames = new Set(devices.map(({ name }) => name))
  const devicePaths = new Set(devices.map(({ devicePath }) => devicePath))
  const paths = new Set<string>()
  ;(container.volumeMounts ?? []).forEach((mount: Record<string, any>, i: number) => {
    const place = at.index(i)
    const { name = '', mountPath = '', subPath, subPathExpr, mountPropagation } = mount
    if (!name) to.required(place.at('name'))
    if (!volumes.has(name)) to.notFound(place.at('name'), name)
    if (!mountPath) to.required(place.at('mountPath'))
    if (paths.has(mountPath)) to.invalid(place.at('mountPath'), mountPath, 'must be unique')
    paths.add(mountPath)
    if (deviceNames.has(name)) {
      to.invalid(place.at('name'), name, 'must not already exist in volumeDevices')
    }
    if (devicePaths.has(mountPath)) {
      to.invalid(place.at('mountPath'), mountPath, 'must not already exist as a path in volumeDevices')
    }
    if (subPath) descendingPath(subPath, at.at('subPath'), to)
    if (subPathExpr) {
      if (subPath) to.invalid(place.at('subPathExpr'), subPathExpr, 'subPathExpr and subPath are mutually exclusive')
      descendingPath(subPathExpr, at.at('subPathExpr'), to)
    }
    if (mountPropagation !== undefined) {
      propagation(mountPropagation, at.at('mountPropagation'), to)
      if (mountPropagation === 'Bidirectional' && !container.securityContext?.privileged) {
        const why = 'Bidirectional mount propagation is available only to privileged containers'
        to.forbidden(at.at('mountPropagation'), why)
      }
    }
    checkRecursiveReadOnly(mount, at.at('recursiveReadOnly'), to)
  })
}

function checkRecursiveReadOnly(mount: Record<string, any>, at: Path, to: Problems) {
  const mode: string | undefined = mount.recursiveReadOnly
  if (mode === undefined || mode === 'Disabled') return
  if (mode !== 'Enabled' && mode !== 'IfPossible') return recursiveReadOnly(mode, at, to)
  if (!mount.readOnly) to.forbidden(at, 'may only be specified when readOnly is true')
  if (mount.mountPropagation !== undefined && mount.mountPropagation !== 'None') {
    to.forbidden(at, 'may only be specified when mountPropagation is None or not specified')
  }
}

function checkDevices(container: Container, { volumes }: PodContext, at: Path, to: Problems) {
  const mounts: { name: string; mountPath: string }[] = container.volumeMounts ?? []
  const mountNames = new Set(mounts.map(({ name }) => name))
  const mountPaths = new Set(mounts.map(({ mountPath }) => mountPath))
  const [names, paths] = [new Set<string>(), new Set<string>()]
  ;(container.volumeDevices ?? []).forEach(({ name = '', devicePath = '' }: Record<string, string>, i: number) => {
    const place = at.index(i)
    const volume = volumes.get(name)
    if (!name) to.required(place.at('name'))
    if (names.has(name)) to.invalid(place.at('name'), name, 'must be unique')
    if (!volume) to.notFound(place.at('name'), name)
    else if (!volume.persistentVolumeClaim && !volume.ephemeral) {
      const why = 'can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode'
      to.invalid(place.at('name'), name, why)
    }
    if (!devicePath) to.required(place.at('devicePath'))
    if (paths.has(devicePath)) to.invalid(place.at('devicePath'), devicePath, 'must be unique')
    if (devicePath.split('/').includes('..')) {
      to.invalid(place.at('devicePath'), devicePath, "can not contain backsteps ('..')")
    } else paths.add(devicePath)
    if (mountNames.has(name)) {
      to.invalid(place.at('name'), name, 'must not already exist in volumeMounts')
    }
    if (mountPaths.has(devicePath)) {
      to.invalid(place.at('devicePath'), devicePath, 'must not already exist as a path in volumeMounts')
    }
    if (name) names.add(name)
  })
}

const resizeResource = oneOf('cpu', 'memory')
const resizeAction = oneOf('NotRequired', 'RestartContainer')

function checkResizePolicy(list: readonly Record<string, string>[], restartPolicy: string, at: Path, to: Problems) {
  const seen = new Set<string>()
  list.forEach(({ resourceName = '', restartPolicy: action = '' }, i) => {
    if (seen.has(resourceName)) to.duplicate(at.index(i), resourceName)
    seen.add(resourceName)
    if (!resourceName) to.required(at)
    else resizeResource(resourceName, at, to)
    if (!action) to.required(at)
    else resizeAction(action, at, to)
    if (restartPolicy === 'Never' && action !== 'NotRequired') {
      to.invalid(at, action, "must be 'NotRequired' when pod `restartPolicy` is 'Never'")
    }
  })
}

const terminationMessagePolicy = first(required, oneOf('File', 'FallbackToLogsOnError'))

const plainFields = fields({
  name: first(required, named(dnsLabel)),
  image: required,
  terminationMessagePolicy,
  ports,
  env,
  envFrom,
})
const imagePullPolicy = fields({ imagePullPolicy: pullPolicy })

function checkCommon(container: Container, context: PodContext, at: Path, to: Problems) {
  plainFields(container, at, to)
  if (container.volumeMounts) checkMounts(container, context, at.at('volumeMounts'), to)
  if (container.volumeDevices) checkDevices(container, context, at.at('volumeDevices'), to)
  imagePullPolicy(container, at, to)
  if (container.resources) containerRequirements(context.claimNames)(container.resources, at.at('resources'), to)
  if (container.resizePolicy) {
    checkResizePolicy(container.resizePolicy, context.restartPolicy, at.at('resizePolicy'), to)
  }
  if (container.securityContext) {
    containerSecurity(context.hostUsers)(container.securityContext, at.at('securityContext'), to)
  }
}

const sleep =
  (gracePeriodSeconds: number | undefined): Check =>
  ({ seconds = 0 }: { seconds?: number }, at, to) => {
    if (gracePeriodSeconds === undefined || (seconds >= 0 && seconds <= gracePeriodSeconds)) return
    const why = `must be non-negative and less than terminationGracePeriodSeconds (${gracePeriodSeconds})`
    to.invalid(at, seconds, why)
  }

const httpGet = all(
  fields({ path: required, port: portOrName, scheme: oneOf('HTTP', 'HTTPS') }),
  ({ httpHeaders = [] }: { httpHeaders?: { name: string }[] }, at, to) => {
    for (const { name } of httpHeaders) to.each(at.at('httpHeaders'), name, httpHeaderName(name))
  },
)

const handlers = {
  exec: fields({ command: required }),
  httpGet,
  tcpSocket: fields({ port: portOrName }),
  grpc: fields({ port: portOrName }),
}
const handlerRules = {
  tooMany: 'may not specify more than 1 handler type',
  none: (at: Path, to: Problems) => to.required(at, 'must specify a handler type'),
}
const probeHandler = oneSource(handlers, handlerRules)
const lifecycleHandler = (gracePeriodSeconds: number | undefined) =>
  oneSource({ ...handlers, sleep: sleep(gracePeriodSeconds) }, handlerRules)

const probe = all(
  probeHandler,
  fields({
    initialDelaySeconds: nonNegative,
    timeoutSeconds: nonNegative,
    periodSeconds: nonNegative,
    successThreshold: nonNegative,
    failureThreshold: nonNegative,
    terminationGracePeriodSeconds: (value: number, at, to) => {
      if (value <= 0) to.invalid(at, value, 'must be greater than 0')
    },
  }),
)
const succeedsAtOnce: Check = ({ successThreshold }, at, to) => {
  if (successThreshold !== 1) to.invalid(at.at('successThreshold'), successThreshold, 'must be 1')
}
const probes = fields({
  livenessProbe: [probe, succeedsAtOnce],
  readinessProbe: [
    probe,
    ({ terminationGracePeriodSeconds: seconds }, at, to) => {
      if (seconds === undefined) return
      to.invalid(at.at('terminationGracePeriodSeconds'), seconds, 'must not be set for readinessProbes')
    },
  ],
  startupProbe: [probe, succeedsAtOnce],
})

function checkLifecycle(lifecycle: Record<string, any>, { gracePeriodSeconds }: PodContext, at: Path, to: Problems) {
  for (const hook of ['postStart', 'preStop']) {
    if (lifecycle[hook]) lifecycleHandler(gracePeriodSeconds)(lifecycle[hook], at.at(hook), to)
  }
}

const MAX_RULES = 20
const MAX_EXIT_CODES = 255
const restartPolicies = oneOf('Always', 'Never', 'OnFailure')
const restartRules = all(
  maxItems(MAX_RULES),
  each(
    fields({
      action: oneOf('Restart', 'RestartAllContainers'),
      exitCodes: evenAbsent((codes, at, to) => {
        if (!codes) return to.required(at, 'must be specified')
        fields({ operator: oneOf('In', 'NotIn'), values: maxItems(MAX_EXIT_CODES) })(codes, at, to)
      }),
    }),
  ),
)

function checkRestarts({ restartPolicy, restartPolicyRules: rules = [] }: Container, at: Path, to: Problems) {
  if (restartPolicy !== undefined) restartPolicies(restartPolicy, at.at('restartPolicy'), to)
  else if (rules.length > 0)
    to.required(at.at('restartPolicy'), 'must specify restartPolicy when restart rules are used')
  if (rules.length > 0) restartRules(rules, at.at('restartPolicyRules'), to)
}

/** Two containers of a pod can't listen on the same port of the node. */
function checkHostPorts(containers: readonly Container[], at: Path, to: Problems) {
  const seen = new Set<string>()
  containers.forEach((container, i) => {
    ;(container.ports ?? []).forEach((one: Record<string, any>, j: number) => {
      if (!one.hostPort) return
      const address = `${one.protocol}/${one.hostIP ?? ''}/${one.hostPort}`
      if (seen.has(address)) to.duplicate(at.index(i).at('ports').index(j).at('hostPort'), address)
      seen.add(address)
    })
  })
}

export function checkContainers(containers: readonly Container[], context: PodContext, at: Path, to: Problems) {
  if (containers.length === 0) return to.required(at)
  const names = new Set<string>()
  containers.forEach((container, i) => {
    const place = at.index(i)
    checkCommon(container, context, place, to)
    if (names.has(container.name)) to.duplicate(place.at('name'), container.name)
    names.add(container.name)
    if (container.lifecycle) checkLifecycle(container.lifecycle, context, place.at('lifecycle'), to)
    probes(container, place, to)
    checkRestarts(container, place, to)
  })
  checkHostPorts(containers, at, to)
}

const ONLY_SIDECARS = 'may not be set for init containers without restartPolicy=Always'

export function checkInitContainers(
  containers: readonly Container[],
  regular: readonly Container[],
  context: PodContext,
  at: Path,
  to: Problems,
) {
  const names = new Set(regular.map(({ name }) => name))
  containers.forEach((container, i) => {
    const place = at.index(i)
    checkCommon(container, context, place, to)
    checkRestarts(container, place, to)
    if (names.has(container.name)) to.duplicate(place.at('name'), container.name)
    else if (container.name) names.add(container.name)
    checkHostPorts([container], at, to)
    if (container.restartPolicy === 'Always') {
      if (container.lifecycle) checkLifecycle(container.lifecycle, context, place.at('lifecycle'), to)
      probes(container, place, to)
      return
    }
    for (const field of ['lifecycle', 'livenessProbe', 'readinessProbe', 'startupProbe']) {
      if (container[field] !== undefined) to.forbidden(place.at(field), ONLY_SIDECARS)
    }
    ;(container.resizePolicy ?? []).forEach(({ restartPolicy }: { restartPolicy: string }, j: number) => {
      if (restartPolicy !== 'RestartContainer') return
      const why = "must not be set to 'RestartContainer' for non-sidecar initContainers"
      to.invalid(place.at('resizePolicy').index(j).at('restartPolicy'), restartPolicy, why)
    })
  })
}

const NOT_EPHEMERAL = 'cannot be set for an Ephemeral Container'
const notEphemeral = [
  'ports',
  'livenessProbe',
  'readinessProbe',
  'startupProbe',
  'lifecycle',
  'resizePolicy',
  'restartPolicy',
]

export function checkEphemeralContainers(
  containers: readonly Container[],
  others: readonly Container[],
  context: PodContext,
  at: Path,
  to: Problems,
) {
  const otherNames = new Set(others.map(({ name }) => name))
  const names = new Set(otherNames)
  containers.forEach((container, i) => {
    const place = at.index(i)
    checkCommon(container, context, place, to)
    checkImage(container, place, to)
    if (names.has(container.name)) to.duplicate(place.at('name'), container.name)
    names.add(container.name)
    const target: string | undefined = container.targetContainerName
    if (target && !otherNames.has(target)) to.notFound(place.at('targetContainerName'), target)
    for (const field of notEphemeral) if (container[field] !== undefined) to.forbidden(place.at(field), NOT_EPHEMERAL)
    const { limits, requests, claims } = container.resources ?? {}
    if (limits || requests || claims) to.forbidden(place.at('resources'), NOT_EPHEMERAL)
    ;(container.volumeMounts ?? []).forEach((mount: Record<string, any>, j: number) => {
      for (const field of ['subPath', 'subPathExpr']) {
        if (mount[field]) to.forbidden(place.at('volumeMounts').index(j).at(field), NOT_EPHEMERAL)
      }
    })
  })
}

/** Images of pods; templates are more lenient. */
export function checkImage({ image = '' }: Container, at: Path, to: Problems) {
  if (image.trim() !== image) to.invalid(at.at('image'), image, 'must not have leading or trailing whitespace')
}
