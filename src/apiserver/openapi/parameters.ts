/** Parameters of requests, by what they are used for. */

export interface Parameter {
  readonly name: string
  readonly in: 'query' | 'path'
  readonly type: 'string' | 'integer' | 'boolean'
  readonly description: string
}

const query = (name: string, type: Parameter['type'], description: string): Parameter => ({
  name,
  in: 'query',
  type,
  description,
})
const path = (name: string, description: string): Parameter => ({ name, in: 'path', type: 'string', description })

export const namespaceParameter = path('namespace', 'Namespace that the object belongs to.')
export const nameParameter = (kind: string) => path('name', `Name of the ${kind}.`)
export const proxyPathParameter = path('path', 'Path that the request is passed on to.')
export const pretty = query('pretty', 'string', 'If true, the answer is indented for people.')

const dryRun = query(
  'dryRun',
  'string',
  'All tries the request out without storing anything; nothing else is accepted.',
)
const fieldManager = query(
  'fieldManager',
  'string',
  'Name that the changed fields are recorded under; required to apply.',
)
const fieldValidation = query(
  'fieldValidation',
  'string',
  'What happens to unknown and duplicate fields: Ignore, Warn (default) or Strict.',
)
const continueToken = query('continue', 'string', 'Token of the page before, to go on with the list.')
const fieldSelector = query('fieldSelector', 'string', 'Only objects whose fields match.')
const labelSelector = query('labelSelector', 'string', 'Only objects whose labels match.')
const limit = query('limit', 'integer', 'Most objects to return in one answer.')
export const resourceVersion = query(
  'resourceVersion',
  'string',
  'Version that the answer is based on, or that a watch starts after.',
)
const resourceVersionMatch = query('resourceVersionMatch', 'string', 'How the version is meant: Exact or NotOlderThan.')
const sendInitialEvents = query('sendInitialEvents', 'boolean', 'Whether a watch begins with all objects that exist.')
const timeoutSeconds = query('timeoutSeconds', 'integer', 'Seconds after which a list or watch ends.')

const selection = [
  continueToken,
  fieldSelector,
  labelSelector,
  limit,
  resourceVersion,
  resourceVersionMatch,
  sendInitialEvents,
  query('shardSelector', 'string', 'A part of the objects, by hashes of their fields. Alpha, and not looked at.'),
]

export const listParameters: readonly Parameter[] = [
  query('allowWatchBookmarks', 'boolean', 'Whether a watch may send events that carry nothing but a newer version.'),
  ...selection,
  timeoutSeconds,
  query('watch', 'boolean', 'Watch for changes instead of listing.'),
]
export const createParameters: readonly Parameter[] = [dryRun, fieldManager, fieldValidation]
export const patchParameters: readonly Parameter[] = [
  ...createParameters,
  query('force', 'boolean', 'Take over fields of other managers; only to apply.'),
]
export const deleteParameters: readonly Parameter[] = [
  dryRun,
  query('gracePeriodSeconds', 'integer', 'Seconds the object gets to end in order; 0 means immediately.'),
  query(
    'ignoreStoreReadErrorWithClusterBreakingPotential',
    'boolean',
    'Delete an object that cannot be read from storage; dangerous.',
  ),
  query('orphanDependents', 'boolean', 'Deprecated, use propagationPolicy; true leaves dependents behind.'),
  query('propagationPolicy', 'string', 'What happens to dependents: Orphan, Background or Foreground.'),
]
export const deleteCollectionParameters: readonly Parameter[] = [
  ...selection,
  timeoutSeconds,
  ...deleteParameters,
].toSorted((a, b) => (a.name < b.name ? -1 : 1))

const container = query('container', 'string', 'Container of the pod; may be left out when it has only one.')
const streams = [
  query('stderr', 'boolean', 'Whether to pass on the standard error.'),
  query('stdin', 'boolean', 'Whether to pass on the standard input.'),
  query('stdout', 'boolean', 'Whether to pass on the standard output.'),
  query('tty', 'boolean', 'Whether to allocate a terminal.'),
]
const proxyPath = query('path', 'string', 'Path of the request behind the proxy.')

/** Options of subresources, by the kind that describes them. */
export const optionParameters: Readonly<Record<string, readonly Parameter[]>> = {
  PodAttachOptions: [container, ...streams],
  PodExecOptions: [query('command', 'string', 'Command to run, one parameter for each word.'), container, ...streams],
  PodPortForwardOptions: [query('ports', 'integer', 'Ports to forward.')],
  PodProxyOptions: [proxyPath],
  NodeProxyOptions: [proxyPath],
  ServiceProxyOptions: [proxyPath],
}

export const logParameters: readonly Parameter[] = [
  container,
  query('follow', 'boolean', 'Go on sending lines as they come.'),
  query('insecureSkipTLSVerifyBackend', 'boolean', 'Do not check the certificate of the kubelet.'),
  query('limitBytes', 'integer', 'Most bytes to send.'),
  pretty,
  query('previous', 'boolean', 'Log of the container before its last restart.'),
  query('sinceSeconds', 'integer', 'Only lines of the last so many seconds.'),
  query('stream', 'string', 'All, Stdout or Stderr.'),
  query('tailLines', 'integer', 'Only the last so many lines.'),
  query('timestamps', 'boolean', 'Begin each line with its time.'),
]
