/**
 * Containers as a pod describes and reports them: environment, ports, probes, hooks, mounts and security settings,
 * and their status. Ephemeral containers for debugging are here too.
 */
import { embedded, f, type Infer, message } from '#api/schema.ts'
import {
  ConfigMapKeySelector,
  FileKeySelector,
  ObjectFieldSelector,
  ResourceFieldSelector,
  ResourceRequirements,
  SecretKeySelector,
} from './shared.ts'

export const AppArmorProfile = message('core.v1.AppArmorProfile', 'Which AppArmor profile confines a process.', {
  type: f
    .string(1, 'Where the profile comes from: Localhost, RuntimeDefault or Unconfined.')
    .required()
    .oneOf('Localhost', 'RuntimeDefault', 'Unconfined'),
  localhostProfile: f
    .string(2, 'Name of a profile loaded on the node; required with type Localhost, forbidden otherwise.')
    .pointer(),
})
export interface AppArmorProfile extends Infer<typeof AppArmorProfile> {}

export const Capabilities = message(
  'core.v1.Capabilities',
  'Changes to the Linux capabilities a container starts with.',
  {
    add: f
      .list('string', 1, 'Capabilities to add to the runtime default, such as NET_ADMIN; ALL adds every one.')
      .atomic(),
    drop: f.list('string', 2, 'Capabilities to take from the runtime default; ALL drops every one.').atomic(),
  },
)
export interface Capabilities extends Infer<typeof Capabilities> {}

export const ConfigMapEnvSource = message(
  'core.v1.ConfigMapEnvSource',
  'Takes environment variables from all keys of a ConfigMap.',
  {
    optional: f.bool(2, 'When true, a missing ConfigMap is no error; default false.').pointer(),
    ...embedded(1, {
      name: f.string(1, 'Name of the ConfigMap, in the same namespace.'),
    }),
  },
)
export interface ConfigMapEnvSource extends Infer<typeof ConfigMapEnvSource> {}

export const ContainerPort = message('core.v1.ContainerPort', 'A port that a container listens on.', {
  name: f.string(1, 'Name of the port, unique in the pod; services can refer to it.'),
  hostPort: f.int32(2, 'Port opened on the node, 1 to 65535; default none.'),
  containerPort: f.int32(3, 'Port number inside the pod, 1 to 65535.').required(),
  protocol: f
    .string(4, 'Transport protocol: TCP, UDP or SCTP; default TCP.')
    .oneOf('SCTP', 'TCP', 'UDP')
    .default('TCP'),
  hostIP: f.string(5, 'Node address on which hostPort is opened; default is all.'),
})
export interface ContainerPort extends Infer<typeof ContainerPort> {}

export const ContainerResizePolicy = message(
  'core.v1.ContainerResizePolicy',
  'What a resize of one resource means for the running container.',
  {
    resourceName: f.string(1, 'Resource this is about: cpu or memory.').required(),
    restartPolicy: f
      .string(2, 'Whether a resize restarts the container: NotRequired or RestartContainer; default NotRequired.')
      .required(),
  },
)
export interface ContainerResizePolicy extends Infer<typeof ContainerResizePolicy> {}

export const ContainerRestartRuleOnExitCodes = message(
  'core.v1.ContainerRestartRuleOnExitCodes',
  'A test on the exit code of a container.',
  {
    operator: f.string(1, 'How the exit code is compared with the values: In or NotIn.').required(),
    values: f.list('int32', 2, 'Exit codes to compare with, at most 255.').set(),
  },
)
export interface ContainerRestartRuleOnExitCodes extends Infer<typeof ContainerRestartRuleOnExitCodes> {}

export const ContainerRestartRule = message(
  'core.v1.ContainerRestartRule',
  'What to do when a container exits in a certain way.',
  {
    action: f.string(1, 'What is done on a match: Restart or RestartAllContainers.').required(),
    exitCodes: f.message(ContainerRestartRuleOnExitCodes, 2, 'Exit codes for which the rule applies.'),
  },
)
export interface ContainerRestartRule extends Infer<typeof ContainerRestartRule> {}

export const SecretEnvSource = message(
  'core.v1.SecretEnvSource',
  'Takes environment variables from all keys of a Secret.',
  {
    optional: f.bool(2, 'When true, a missing Secret is no error; default false.').pointer(),
    ...embedded(1, {
      name: f.string(1, 'Name of the Secret, in the same namespace.'),
    }),
  },
)
export interface SecretEnvSource extends Infer<typeof SecretEnvSource> {}

export const EnvFromSource = message(
  'core.v1.EnvFromSource',
  'Takes environment variables from a whole ConfigMap or Secret.',
  {
    prefix: f.string(1, 'Text put in front of each variable name; default none.'),
    configMapRef: f.message(ConfigMapEnvSource, 2, 'ConfigMap whose entries become variables.'),
    secretRef: f.message(SecretEnvSource, 3, 'Secret whose entries become variables.'),
  },
)
export interface EnvFromSource extends Infer<typeof EnvFromSource> {}

export const EnvVarSource = message(
  'core.v1.EnvVarSource',
  'Where the value of an environment variable comes from; exactly one source is set.',
  {
    fieldRef: f.message(ObjectFieldSelector, 1, 'Takes the value from a field of the pod.'),
    resourceFieldRef: f.message(
      ResourceFieldSelector,
      2,
      'Takes the value from a resource limit or request of a container.',
    ),
    configMapKeyRef: f.message(ConfigMapKeySelector, 3, 'Takes the value from one key of a ConfigMap.'),
    secretKeyRef: f.message(SecretKeySelector, 4, 'Takes the value from one key of a Secret.'),
    fileKeyRef: f.message(FileKeySelector, 5, 'Takes the value from an env file on a volume.'),
  },
)
export interface EnvVarSource extends Infer<typeof EnvVarSource> {}

export const EnvVar = message('core.v1.EnvVar', 'One environment variable of a container.', {
  name: f.string(1, 'Name of the variable; any printable ASCII characters except the equals sign.').required(),
  value: f.string(2, 'Value of the variable; $(NAME) refers to earlier variables; default empty.'),
  valueFrom: f.message(EnvVarSource, 3, 'Source to read the value from; not together with value.'),
})
export interface EnvVar extends Infer<typeof EnvVar> {}

export const ExecAction = message(
  'core.v1.ExecAction',
  'Runs a command inside the container; exit code 0 means success.',
  {
    command: f.list('string', 1, 'Program and its arguments, run directly and not through a shell.').atomic(),
  },
)
export interface ExecAction extends Infer<typeof ExecAction> {}

export const HTTPHeader = message('core.v1.HTTPHeader', 'One header sent with an HTTP check.', {
  name: f.string(1, 'Name of the header; its letter case is normalized when sent.').required(),
  value: f.string(2, 'Value sent for the header.').required(),
})
export interface HTTPHeader extends Infer<typeof HTTPHeader> {}

export const HTTPGetAction = message('core.v1.HTTPGetAction', 'Sends an HTTP GET; status 200 to 399 means success.', {
  path: f.string(1, 'Path to request on the server; default is /.').default('/'),
  port: f.intOrString(2, 'Port number 1 to 65535, or the name of a container port.').required(),
  host: f.string(3, 'Host to connect to; default is the address of the pod.'),
  scheme: f
    .string(4, 'Scheme to use: HTTP or HTTPS, without verifying certificates; default HTTP.')
    .oneOf('HTTP', 'HTTPS')
    .default('HTTP'),
  httpHeaders: f.list(HTTPHeader, 5, 'Extra headers to send; a name may occur more than once.').atomic(),
})
export interface HTTPGetAction extends Infer<typeof HTTPGetAction> {}

export const SleepAction = message('core.v1.SleepAction', 'Waits for a while and does nothing else.', {
  seconds: f.int64(1, 'How many seconds to wait.').required(),
})
export interface SleepAction extends Infer<typeof SleepAction> {}

export const TCPSocketAction = message(
  'core.v1.TCPSocketAction',
  'Opens a TCP connection; being accepted means success.',
  {
    port: f.intOrString(1, 'Port number 1 to 65535, or the name of a container port.').required(),
    host: f.string(2, 'Host to connect to; default is the address of the pod.'),
  },
)
export interface TCPSocketAction extends Infer<typeof TCPSocketAction> {}

export const LifecycleHandler = message(
  'core.v1.LifecycleHandler',
  'What a lifecycle hook does; exactly one action is set.',
  {
    exec: f.message(ExecAction, 1, 'Runs a command inside the container.'),
    httpGet: f.message(HTTPGetAction, 2, 'Sends an HTTP GET request.'),
    tcpSocket: f.message(TCPSocketAction, 3, 'Once a TCP connection. Deprecated; it fails when the hook runs.'),
    sleep: f.message(SleepAction, 4, 'Waits for a number of seconds.'),
  },
)
export interface LifecycleHandler extends Infer<typeof LifecycleHandler> {}

export const Lifecycle = message(
  'core.v1.Lifecycle',
  'Hooks that run when a container starts and before it is stopped.',
  {
    postStart: f.message(
      LifecycleHandler,
      1,
      'Runs right after the container starts; if it fails, the container is killed.',
    ),
    preStop: f.message(
      LifecycleHandler,
      2,
      'Runs before the container is stopped on request, within the grace period; not after crashes.',
    ),
    stopSignal: f
      .string(3, 'Signal that asks the container to stop, such as SIGTERM; default comes from the image.')
      .pointer(),
  },
)
export interface Lifecycle extends Infer<typeof Lifecycle> {}

export const GRPCAction = message(
  'core.v1.GRPCAction',
  'Calls the standard gRPC health check; SERVING means success.',
  {
    port: f.int32(1, 'Port number of the gRPC server, 1 to 65535.').required(),
    service: f.string(2, 'Service name put into the health request; default empty.').pointer().default(''),
  },
)
export interface GRPCAction extends Infer<typeof GRPCAction> {}

export const Probe = message('core.v1.Probe', 'A regular check on a container.', {
  initialDelaySeconds: f.int32(2, 'Seconds after container start before the first check; default 0.'),
  timeoutSeconds: f.int32(3, 'Seconds after which a check counts as failed; default 1, least 1.').default(1),
  periodSeconds: f.int32(4, 'Seconds from one check to the next; default 10, least 1.').default(10),
  successThreshold: f
    .int32(5, 'Successes in a row needed after a failure; default 1, and 1 for liveness and startup.')
    .default(1),
  failureThreshold: f.int32(6, 'Failures in a row before the check counts as failed; default 3, least 1.').default(3),
  terminationGracePeriodSeconds: f
    .int64(7, 'Seconds given to stop after failure; default is that of the pod; not for readiness.')
    .pointer(),
  ...embedded(1, {
    exec: f.message(ExecAction, 1, 'Runs a command inside the container.'),
    httpGet: f.message(HTTPGetAction, 2, 'Sends an HTTP GET request.'),
    tcpSocket: f.message(TCPSocketAction, 3, 'Opens a TCP connection to a port.'),
    grpc: f.message(GRPCAction, 4, 'Calls the gRPC health service.'),
  }),
})
export interface Probe extends Infer<typeof Probe> {}

export const SELinuxOptions = message('core.v1.SELinuxOptions', 'Parts of an SELinux label.', {
  user: f.string(1, 'User part of the SELinux label.'),
  role: f.string(2, 'Role part of the SELinux label.'),
  type: f.string(3, 'Type part of the SELinux label.'),
  level: f.string(4, 'Level part of the SELinux label.'),
})
export interface SELinuxOptions extends Infer<typeof SELinuxOptions> {}

export const SeccompProfile = message(
  'core.v1.SeccompProfile',
  'Which seccomp profile filters the system calls of a process.',
  {
    type: f
      .string(1, 'Where the profile comes from: Localhost, RuntimeDefault or Unconfined.')
      .required()
      .oneOf('Localhost', 'RuntimeDefault', 'Unconfined'),
    localhostProfile: f
      .string(
        2,
        'Profile file, relative to the seccomp folder of the kubelet; required with type Localhost, forbidden otherwise.',
      )
      .pointer(),
  },
)
export interface SeccompProfile extends Infer<typeof SeccompProfile> {}

export const WindowsSecurityContextOptions = message(
  'core.v1.WindowsSecurityContextOptions',
  'Security settings for containers on Windows.',
  {
    gmsaCredentialSpecName: f.string(1, 'Name of the GMSA credential spec object to use.').pointer(),
    gmsaCredentialSpec: f
      .string(2, 'GMSA credential spec itself; usually filled in by a webhook from the name.')
      .pointer(),
    runAsUserName: f.string(3, 'Windows user that runs the process; default is the user of the image.').pointer(),
    hostProcess: f
      .bool(4, 'Whether the container runs as a host process; must be the same in the whole pod.')
      .pointer(),
  },
)
export interface WindowsSecurityContextOptions extends Infer<typeof WindowsSecurityContextOptions> {}

export const SecurityContext = message(
  'core.v1.SecurityContext',
  'Privileges and confinement of one container; overrides the values of the pod.',
  {
    capabilities: f.message(Capabilities, 1, 'Linux capabilities to add or drop; default is what the runtime grants.'),
    privileged: f.bool(2, 'Whether the container is practically root on the node; default false.').pointer(),
    seLinuxOptions: f.message(SELinuxOptions, 3, 'SELinux label of the container; default is chosen by the runtime.'),
    runAsUser: f.int64(4, 'User ID that runs the process; default is the user of the image.').pointer(),
    runAsNonRoot: f.bool(5, 'When true, the kubelet refuses to start the container as user 0.').pointer(),
    readOnlyRootFilesystem: f.bool(6, 'Whether the root file system is read-only; default false.').pointer(),
    allowPrivilegeEscalation: f
      .bool(7, 'Whether a process may gain more privileges than its parent; always true when privileged.')
      .pointer(),
    runAsGroup: f.int64(8, 'Primary group ID that runs the process; default is chosen by the runtime.').pointer(),
    procMount: f
      .string(9, 'How /proc is mounted: Default (with masked paths) or Unmasked; default Default.')
      .pointer()
      .oneOf('Default', 'Unmasked'),
    windowsOptions: f.message(WindowsSecurityContextOptions, 10, 'Settings for Windows; must be absent on Linux pods.'),
    seccompProfile: f.message(SeccompProfile, 11, 'Seccomp profile of this container; overrides that of the pod.'),
    appArmorProfile: f.message(AppArmorProfile, 12, 'AppArmor profile of this container; overrides that of the pod.'),
  },
)
export interface SecurityContext extends Infer<typeof SecurityContext> {}

export const VolumeDevice = message('core.v1.VolumeDevice', 'Gives a container a volume as a raw block device.', {
  name: f.string(1, 'Volume of the pod to use; must be a claim or an ephemeral volume.').required(),
  devicePath: f.string(2, 'Path inside the container at which the device appears.').required(),
})
export interface VolumeDevice extends Infer<typeof VolumeDevice> {}

export const VolumeMount = message('core.v1.VolumeMount', 'Mounts a volume into a container.', {
  name: f.string(1, 'Volume of the pod to mount.').required(),
  readOnly: f.bool(2, 'Whether the mount is read-only; default false.'),
  mountPath: f.string(3, 'Path inside the container at which the volume appears; must not contain a colon.').required(),
  subPath: f.string(4, 'Path inside the volume to mount instead of its root; default empty.'),
  mountPropagation: f
    .string(
      5,
      'How later mounts spread between host and container: None, HostToContainer or Bidirectional; default None.',
    )
    .pointer()
    .oneOf('Bidirectional', 'HostToContainer', 'None'),
  subPathExpr: f.string(6, 'Like subPath, with $(NAME) replaced by environment variables; not together with subPath.'),
  recursiveReadOnly: f
    .string(
      7,
      'Whether submounts are read-only too: Disabled, IfPossible or Enabled; needs readOnly; default Disabled.',
    )
    .pointer(),
})
export interface VolumeMount extends Infer<typeof VolumeMount> {}

export const Container = message('core.v1.Container', 'One container that a pod runs.', {
  name: f.string(1, 'Name of the container, unique in the pod; a DNS label; cannot change.').required(),
  image: f.string(2, 'Container image to run.'),
  command: f
    .list('string', 3, 'Program to run instead of the image entrypoint, without a shell; $(NAME) expands variables.')
    .atomic(),
  args: f
    .list('string', 4, 'Arguments of the program; default is the command of the image; $(NAME) expands variables.')
    .atomic(),
  workingDir: f.string(5, 'Directory the process starts in; default is that of the image.'),
  ports: f
    .list(ContainerPort, 6, 'Ports the container listens on; informative, except for host ports and names.')
    .map('containerPort', 'protocol')
    .merge('containerPort'),
  env: f.list(EnvVar, 7, 'Environment variables of the container.').map('name').merge('name'),
  resources: f.message(ResourceRequirements, 8, 'Resources the container needs and may use.').present(),
  volumeMounts: f.list(VolumeMount, 9, 'Volumes to mount into the container.').map('mountPath').merge('mountPath'),
  livenessProbe: f.message(Probe, 10, 'Check that restarts the container when it fails.'),
  readinessProbe: f.message(Probe, 11, 'Check that takes the pod out of services while it fails.'),
  lifecycle: f.message(Lifecycle, 12, 'Hooks to run after start and before stop.'),
  terminationMessagePath: f
    .string(13, 'File whose content becomes the termination message; default /dev/termination-log.')
    .default('/dev/termination-log'),
  imagePullPolicy: f
    .string(14, 'When to pull: Always, IfNotPresent or Never; default Always for tag latest, else IfNotPresent.')
    .oneOf('Always', 'IfNotPresent', 'Never'),
  securityContext: f.message(
    SecurityContext,
    15,
    'Privileges and confinement of the container; overrides those of the pod.',
  ),
  stdin: f.bool(16, 'Whether the runtime keeps a buffer for standard input; default false.'),
  stdinOnce: f.bool(17, 'Whether standard input closes after the first attached client leaves; default false.'),
  tty: f.bool(18, 'Whether the container gets a terminal; needs stdin; default false.'),
  envFrom: f
    .list(
      EnvFromSource,
      19,
      'ConfigMaps and Secrets whose entries become variables; later ones win, and env beats all.',
    )
    .atomic(),
  terminationMessagePolicy: f
    .string(20, 'Where the termination message comes from: File or FallbackToLogsOnError; default File.')
    .oneOf('FallbackToLogsOnError', 'File')
    .default('File'),
  volumeDevices: f
    .list(VolumeDevice, 21, 'Volumes to give the container as raw block devices.')
    .map('devicePath')
    .merge('devicePath'),
  startupProbe: f.message(Probe, 22, 'Check that must succeed before the other probes begin.'),
  resizePolicy: f
    .list(ContainerResizePolicy, 23, 'Whether resizing a resource restarts the container, by resource.')
    .atomic(),
  restartPolicy: f
    .string(
      24,
      'When to restart: Always, OnFailure or Never; default that of the pod; Always makes init containers sidecars.',
    )
    .pointer(),
  restartPolicyRules: f
    .list(
      ContainerRestartRule,
      25,
      'Rules tried in order when the container exits, before restartPolicy applies; at most 20.',
    )
    .atomic(),
})
export interface Container extends Infer<typeof Container> {}

export const ContainerExtendedResourceRequest = message(
  'core.v1.ContainerExtendedResourceRequest',
  'Maps an extended resource of a container to a request in a ResourceClaim.',
  {
    containerName: f.string(1, 'Container that asks for the resource.').required(),
    resourceName: f.string(2, 'Extended resource that the container asks for.').required(),
    requestName: f.string(3, 'Request in the generated claim that stands for it.').required(),
  },
)
export interface ContainerExtendedResourceRequest extends Infer<typeof ContainerExtendedResourceRequest> {}

export const ContainerImage = message('core.v1.ContainerImage', 'A container image present on a node.', {
  names: f.list('string', 1, 'Names under which the image is known, with tag or digest.').atomic(),
  sizeBytes: f.int64(2, 'Size of the image in bytes.'),
})
export interface ContainerImage extends Infer<typeof ContainerImage> {}

export const ContainerStateRunning = message('core.v1.ContainerStateRunning', 'Details of a running container.', {
  startedAt: f.time(1, 'When the container was last started.'),
})
export interface ContainerStateRunning extends Infer<typeof ContainerStateRunning> {}

export const ContainerStateTerminated = message(
  'core.v1.ContainerStateTerminated',
  'Details of a container that has stopped.',
  {
    exitCode: f.int32(1, 'Exit code of the last run.').required(),
    signal: f.int32(2, 'Signal number that ended the last run, if any.'),
    reason: f.string(3, 'Short CamelCase cause of the end, such as Completed, Error or OOMKilled.'),
    message: f.string(4, 'Termination message the container left, or an explanation.'),
    startedAt: f.time(5, 'When the run that ended had started.'),
    finishedAt: f.time(6, 'When the container stopped running.'),
    containerID: f.string(7, 'Identifier of the stopped container, of the form type://id.'),
  },
)
export interface ContainerStateTerminated extends Infer<typeof ContainerStateTerminated> {}

export const ContainerStateWaiting = message(
  'core.v1.ContainerStateWaiting',
  'Details of a container that is not running yet.',
  {
    reason: f.string(1, 'Short CamelCase cause of the wait, such as ContainerCreating or CrashLoopBackOff.'),
    message: f.string(2, 'Human-readable details about why it is waiting.'),
  },
)
export interface ContainerStateWaiting extends Infer<typeof ContainerStateWaiting> {}

export const ContainerState = message(
  'core.v1.ContainerState',
  'Whether a container waits, runs or has stopped; one is set, waiting by default.',
  {
    waiting: f.message(ContainerStateWaiting, 1, 'Set while the container waits to run.'),
    running: f.message(ContainerStateRunning, 2, 'Set while the container is running.'),
    terminated: f.message(ContainerStateTerminated, 3, 'Set once the container has stopped.'),
  },
)
export interface ContainerState extends Infer<typeof ContainerState> {}

export const LinuxContainerUser = message(
  'core.v1.LinuxContainerUser',
  'User and groups of the first process of a Linux container.',
  {
    uid: f.int64(1, 'Numeric user ID at process start.').required(),
    gid: f.int64(2, 'Primary group ID at process start.').required(),
    supplementalGroups: f.list('int64', 3, 'Further group IDs at process start.').atomic(),
  },
)
export interface LinuxContainerUser extends Infer<typeof LinuxContainerUser> {}

export const ContainerUser = message('core.v1.ContainerUser', 'Identity with which a container was started.', {
  linux: f.message(LinuxContainerUser, 1, 'User and groups on a Linux node.'),
})
export interface ContainerUser extends Infer<typeof ContainerUser> {}

export const ResourceHealth = message('core.v1.ResourceHealth', 'Health of one device given to a container.', {
  resourceID: f.string(1, 'Identifier of the device, unique on the node for its resource.').required(),
  health: f.string(2, 'Health of the device: Healthy, Unhealthy or Unknown.'),
  message: f.string(6, 'Human-readable details about the health of the device.').pointer(),
})
export interface ResourceHealth extends Infer<typeof ResourceHealth> {}

export const ResourceStatus = message(
  'core.v1.ResourceStatus',
  'Health of the devices that one resource gave to a container.',
  {
    name: f.string(1, 'Resource name, or claim:name/request for a device from a resource claim.').required(),
    resources: f.list(ResourceHealth, 2, 'Health of each device, one entry per device.').map('resourceID'),
  },
)
export interface ResourceStatus extends Infer<typeof ResourceStatus> {}

export const ImageVolumeStatus = message('core.v1.ImageVolumeStatus', 'What an image volume resolved to.', {
  imageRef: f.string(1, 'Digest of the image that is mounted.').required(),
})
export interface ImageVolumeStatus extends Infer<typeof ImageVolumeStatus> {}

export const VolumeStatus = message('core.v1.VolumeStatus', 'Details about a mounted volume, depending on its type.', {
  image: f.message(ImageVolumeStatus, 1, 'Set when the volume is an image volume.'),
})
export interface VolumeStatus extends Infer<typeof VolumeStatus> {}

export const VolumeMountStatus = message(
  'core.v1.VolumeMountStatus',
  'How a volume has been mounted into a container.',
  {
    name: f.string(1, 'Name of the volume mount, as in the spec.').required(),
    mountPath: f.string(2, 'Path inside the container at which the volume appears.').required(),
    readOnly: f.bool(3, 'Whether the mount is read-only.'),
    recursiveReadOnly: f
      .string(4, 'Whether submounts are read-only too: Disabled or Enabled; IfPossible is resolved to one.')
      .pointer(),
    volumeStatus: f.message(VolumeStatus, 5, 'Details about the mounted volume, such as its image digest.'),
  },
)
export interface VolumeMountStatus extends Infer<typeof VolumeMountStatus> {}

export const ContainerStatus = message('core.v1.ContainerStatus', 'What the kubelet reports about one container.', {
  name: f.string(1, 'Name of the container, as in the spec.').required(),
  state: f.message(ContainerState, 2, 'Current state of the container.').present(),
  lastState: f.message(ContainerState, 3, 'How the previous run ended; empty before the first restart.').present(),
  ready: f.bool(4, 'Whether the container passes its readiness check; false until started.').required(),
  restartCount: f
    .int32(5, 'Times the container was restarted; may drop when old containers are cleaned up.')
    .required(),
  image: f.string(6, 'Image the container runs; may differ from the one in the spec.').required(),
  imageID: f.string(7, 'Identifier of the image as the runtime resolved it, such as a digest.').required(),
  containerID: f.string(8, 'Identifier of the container, of the form type://id.'),
  started: f.bool(9, 'Whether the start hook is done and the startup probe has passed.').pointer(),
  allocatedResources: f.mapOf('quantity', 10, 'Amounts the node has set aside for this container, by resource name.'),
  resources: f.message(ResourceRequirements, 11, 'Requests and limits in effect on the running container.'),
  volumeMounts: f.list(VolumeMountStatus, 12, 'How volumes have been mounted.').map('mountPath').merge('mountPath'),
  user: f.message(ContainerUser, 13, 'User and groups the container was started with.'),
  allocatedResourcesStatus: f
    .list(ResourceStatus, 14, 'Health of the devices given to the container.')
    .map('name')
    .merge('name'),
  stopSignal: f.string(15, 'Signal that the runtime sends to stop the container.').pointer(),
})
export interface ContainerStatus extends Infer<typeof ContainerStatus> {}

export const EphemeralContainer = message(
  'core.v1.EphemeralContainer',
  'A temporary container added to a running pod for debugging; never restarted, without resource guarantees.',
  {
    targetContainerName: f.string(
      2,
      'Container of the pod whose namespaces, such as process IDs, are shared; default none.',
    ),
    ...embedded(1, {
      name: f.string(1, 'Name of the container, unique among all containers of the pod.').required(),
      image: f.string(2, 'Container image to run.'),
      command: f
        .list(
          'string',
          3,
          'Program to run instead of the image entrypoint, without a shell; $(NAME) expands variables.',
        )
        .atomic(),
      args: f
        .list('string', 4, 'Arguments of the program; default is the command of the image; $(NAME) expands variables.')
        .atomic(),
      workingDir: f.string(5, 'Directory the process starts in; default is that of the image.'),
      ports: f
        .list(ContainerPort, 6, 'Not allowed for ephemeral containers.')
        .map('containerPort', 'protocol')
        .merge('containerPort'),
      env: f.list(EnvVar, 7, 'Environment variables of the container.').map('name').merge('name'),
      resources: f
        .message(ResourceRequirements, 8, 'Not allowed here; the container uses spare resources of the pod.')
        .present(),
      volumeMounts: f
        .list(VolumeMount, 9, 'Volumes to mount into the container; subPath is not allowed.')
        .map('mountPath')
        .merge('mountPath'),
      livenessProbe: f.message(Probe, 10, 'Not allowed for ephemeral containers.'),
      readinessProbe: f.message(Probe, 11, 'Not allowed for ephemeral containers.'),
      lifecycle: f.message(Lifecycle, 12, 'Not allowed for ephemeral containers.'),
      terminationMessagePath: f
        .string(13, 'File whose content becomes the termination message; default /dev/termination-log.')
        .default('/dev/termination-log'),
      imagePullPolicy: f
        .string(14, 'When to pull: Always, IfNotPresent or Never; default Always for tag latest, else IfNotPresent.')
        .oneOf('Always', 'IfNotPresent', 'Never'),
      securityContext: f.message(
        SecurityContext,
        15,
        'Privileges and confinement of the container; overrides those of the pod.',
      ),
      stdin: f.bool(16, 'Whether the runtime keeps a buffer for standard input; default false.'),
      stdinOnce: f.bool(17, 'Whether standard input closes after the first attached client leaves; default false.'),
      tty: f.bool(18, 'Whether the container gets a terminal; needs stdin; default false.'),
      envFrom: f
        .list(
          EnvFromSource,
          19,
          'ConfigMaps and Secrets whose entries become variables; later ones win, and env beats all.',
        )
        .atomic(),
      terminationMessagePolicy: f
        .string(20, 'Where the termination message comes from: File or FallbackToLogsOnError; default File.')
        .oneOf('FallbackToLogsOnError', 'File')
        .default('File'),
      volumeDevices: f
        .list(VolumeDevice, 21, 'Volumes to give the container as raw block devices.')
        .map('devicePath')
        .merge('devicePath'),
      startupProbe: f.message(Probe, 22, 'Not allowed for ephemeral containers.'),
      resizePolicy: f.list(ContainerResizePolicy, 23, 'Not allowed for ephemeral containers.').atomic(),
      restartPolicy: f.string(24, 'Not allowed here; ephemeral containers are never restarted.').pointer(),
      restartPolicyRules: f
        .list(ContainerRestartRule, 25, 'Not allowed here; ephemeral containers are never restarted.')
        .atomic(),
    }),
  },
)
export interface EphemeralContainer extends Infer<typeof EphemeralContainer> {}
