/** @@HEAD core/v1/container.ts */
import { embedded, f, type Infer, message } from '#api/schema.ts'
import { ConfigMapKeySelector, FileKeySelector, ObjectFieldSelector, ResourceFieldSelector, ResourceRequirements, SecretKeySelector } from './shared.ts'

export const AppArmorProfile = message('core.v1.AppArmorProfile', '', {
  type: f.string(1, '').required(),
  localhostProfile: f.string(2, ''),
})
export interface AppArmorProfile extends Infer<typeof AppArmorProfile> {}

export const Capabilities = message('core.v1.Capabilities', '', {
  add: f.list('string', 1, '').atomic(),
  drop: f.list('string', 2, '').atomic(),
})
export interface Capabilities extends Infer<typeof Capabilities> {}

export const ConfigMapEnvSource = message('core.v1.ConfigMapEnvSource', '', {
  optional: f.bool(2, ''),
  ...embedded(1, {
    name: f.string(1, ''),
  }),
})
export interface ConfigMapEnvSource extends Infer<typeof ConfigMapEnvSource> {}

export const ContainerPort = message('core.v1.ContainerPort', '', {
  name: f.string(1, ''),
  hostPort: f.int32(2, ''),
  containerPort: f.int32(3, '').required(),
  protocol: f.string(4, ''),
  hostIP: f.string(5, ''),
})
export interface ContainerPort extends Infer<typeof ContainerPort> {}

export const ContainerResizePolicy = message('core.v1.ContainerResizePolicy', '', {
  resourceName: f.string(1, '').required(),
  restartPolicy: f.string(2, '').required(),
})
export interface ContainerResizePolicy extends Infer<typeof ContainerResizePolicy> {}

export const ContainerRestartRuleOnExitCodes = message('core.v1.ContainerRestartRuleOnExitCodes', '', {
  operator: f.string(1, '').required(),
  values: f.list('int32', 2, '').set(),
})
export interface ContainerRestartRuleOnExitCodes extends Infer<typeof ContainerRestartRuleOnExitCodes> {}

export const ContainerRestartRule = message('core.v1.ContainerRestartRule', '', {
  action: f.string(1, '').required(),
  exitCodes: f.message(ContainerRestartRuleOnExitCodes, 2, ''),
})
export interface ContainerRestartRule extends Infer<typeof ContainerRestartRule> {}

export const SecretEnvSource = message('core.v1.SecretEnvSource', '', {
  optional: f.bool(2, ''),
  ...embedded(1, {
    name: f.string(1, ''),
  }),
})
export interface SecretEnvSource extends Infer<typeof SecretEnvSource> {}

export const EnvFromSource = message('core.v1.EnvFromSource', '', {
  prefix: f.string(1, ''),
  configMapRef: f.message(ConfigMapEnvSource, 2, ''),
  secretRef: f.message(SecretEnvSource, 3, ''),
})
export interface EnvFromSource extends Infer<typeof EnvFromSource> {}

export const EnvVarSource = message('core.v1.EnvVarSource', '', {
  fieldRef: f.message(ObjectFieldSelector, 1, ''),
  resourceFieldRef: f.message(ResourceFieldSelector, 2, ''),
  configMapKeyRef: f.message(ConfigMapKeySelector, 3, ''),
  secretKeyRef: f.message(SecretKeySelector, 4, ''),
  fileKeyRef: f.message(FileKeySelector, 5, ''),
})
export interface EnvVarSource extends Infer<typeof EnvVarSource> {}

export const EnvVar = message('core.v1.EnvVar', '', {
  name: f.string(1, '').required(),
  value: f.string(2, ''),
  valueFrom: f.message(EnvVarSource, 3, ''),
})
export interface EnvVar extends Infer<typeof EnvVar> {}

export const ExecAction = message('core.v1.ExecAction', '', {
  command: f.list('string', 1, '').atomic(),
})
export interface ExecAction extends Infer<typeof ExecAction> {}

export const HTTPHeader = message('core.v1.HTTPHeader', '', {
  name: f.string(1, '').required(),
  value: f.string(2, '').required(),
})
export interface HTTPHeader extends Infer<typeof HTTPHeader> {}

export const HTTPGetAction = message('core.v1.HTTPGetAction', '', {
  path: f.string(1, ''),
  port: f.intOrString(2, '').required(),
  host: f.string(3, ''),
  scheme: f.string(4, ''),
  httpHeaders: f.list(HTTPHeader, 5, '').atomic(),
})
export interface HTTPGetAction extends Infer<typeof HTTPGetAction> {}

export const SleepAction = message('core.v1.SleepAction', '', {
  seconds: f.int64(1, '').required(),
})
export interface SleepAction extends Infer<typeof SleepAction> {}

export const TCPSocketAction = message('core.v1.TCPSocketAction', '', {
  port: f.intOrString(1, '').required(),
  host: f.string(2, ''),
})
export interface TCPSocketAction extends Infer<typeof TCPSocketAction> {}

export const LifecycleHandler = message('core.v1.LifecycleHandler', '', {
  exec: f.message(ExecAction, 1, ''),
  httpGet: f.message(HTTPGetAction, 2, ''),
  tcpSocket: f.message(TCPSocketAction, 3, ''),
  sleep: f.message(SleepAction, 4, ''),
})
export interface LifecycleHandler extends Infer<typeof LifecycleHandler> {}

export const Lifecycle = message('core.v1.Lifecycle', '', {
  postStart: f.message(LifecycleHandler, 1, ''),
  preStop: f.message(LifecycleHandler, 2, ''),
  stopSignal: f.string(3, ''),
})
export interface Lifecycle extends Infer<typeof Lifecycle> {}

export const GRPCAction = message('core.v1.GRPCAction', '', {
  port: f.int32(1, '').required(),
  service: f.string(2, ''),
})
export interface GRPCAction extends Infer<typeof GRPCAction> {}

export const Probe = message('core.v1.Probe', '', {
  initialDelaySeconds: f.int32(2, ''),
  timeoutSeconds: f.int32(3, ''),
  periodSeconds: f.int32(4, ''),
  successThreshold: f.int32(5, ''),
  failureThreshold: f.int32(6, ''),
  terminationGracePeriodSeconds: f.int64(7, ''),
  ...embedded(1, {
    exec: f.message(ExecAction, 1, ''),
    httpGet: f.message(HTTPGetAction, 2, ''),
    tcpSocket: f.message(TCPSocketAction, 3, ''),
    grpc: f.message(GRPCAction, 4, ''),
  }),
})
export interface Probe extends Infer<typeof Probe> {}

export const SELinuxOptions = message('core.v1.SELinuxOptions', '', {
  user: f.string(1, ''),
  role: f.string(2, ''),
  type: f.string(3, ''),
  level: f.string(4, ''),
})
export interface SELinuxOptions extends Infer<typeof SELinuxOptions> {}

export const SeccompProfile = message('core.v1.SeccompProfile', '', {
  type: f.string(1, '').required(),
  localhostProfile: f.string(2, ''),
})
export interface SeccompProfile extends Infer<typeof SeccompProfile> {}

export const WindowsSecurityContextOptions = message('core.v1.WindowsSecurityContextOptions', '', {
  gmsaCredentialSpecName: f.string(1, ''),
  gmsaCredentialSpec: f.string(2, ''),
  runAsUserName: f.string(3, ''),
  hostProcess: f.bool(4, ''),
})
export interface WindowsSecurityContextOptions extends Infer<typeof WindowsSecurityContextOptions> {}

export const SecurityContext = message('core.v1.SecurityContext', '', {
  capabilities: f.message(Capabilities, 1, ''),
  privileged: f.bool(2, ''),
  seLinuxOptions: f.message(SELinuxOptions, 3, ''),
  runAsUser: f.int64(4, ''),
  runAsNonRoot: f.bool(5, ''),
  readOnlyRootFilesystem: f.bool(6, ''),
  allowPrivilegeEscalation: f.bool(7, ''),
  runAsGroup: f.int64(8, ''),
  procMount: f.string(9, ''),
  windowsOptions: f.message(WindowsSecurityContextOptions, 10, ''),
  seccompProfile: f.message(SeccompProfile, 11, ''),
  appArmorProfile: f.message(AppArmorProfile, 12, ''),
})
export interface SecurityContext extends Infer<typeof SecurityContext> {}

export const VolumeDevice = message('core.v1.VolumeDevice', '', {
  name: f.string(1, '').required(),
  devicePath: f.string(2, '').required(),
})
export interface VolumeDevice extends Infer<typeof VolumeDevice> {}

export const VolumeMount = message('core.v1.VolumeMount', '', {
  name: f.string(1, '').required(),
  readOnly: f.bool(2, ''),
  mountPath: f.string(3, '').required(),
  subPath: f.string(4, ''),
  mountPropagation: f.string(5, ''),
  subPathExpr: f.string(6, ''),
  recursiveReadOnly: f.string(7, ''),
})
export interface VolumeMount extends Infer<typeof VolumeMount> {}

export const Container = message('core.v1.Container', '', {
  name: f.string(1, '').required(),
  image: f.string(2, ''),
  command: f.list('string', 3, '').atomic(),
  args: f.list('string', 4, '').atomic(),
  workingDir: f.string(5, ''),
  ports: f.list(ContainerPort, 6, '').map('containerPort', 'protocol').merge('containerPort'),
  env: f.list(EnvVar, 7, '').map('name').merge('name'),
  resources: f.message(ResourceRequirements, 8, ''),
  volumeMounts: f.list(VolumeMount, 9, '').map('mountPath').merge('mountPath'),
  livenessProbe: f.message(Probe, 10, ''),
  readinessProbe: f.message(Probe, 11, ''),
  lifecycle: f.message(Lifecycle, 12, ''),
  terminationMessagePath: f.string(13, ''),
  imagePullPolicy: f.string(14, ''),
  securityContext: f.message(SecurityContext, 15, ''),
  stdin: f.bool(16, ''),
  stdinOnce: f.bool(17, ''),
  tty: f.bool(18, ''),
  envFrom: f.list(EnvFromSource, 19, '').atomic(),
  terminationMessagePolicy: f.string(20, ''),
  volumeDevices: f.list(VolumeDevice, 21, '').map('devicePath').merge('devicePath'),
  startupProbe: f.message(Probe, 22, ''),
  resizePolicy: f.list(ContainerResizePolicy, 23, '').atomic(),
  restartPolicy: f.string(24, ''),
  restartPolicyRules: f.list(ContainerRestartRule, 25, '').atomic(),
})
export interface Container extends Infer<typeof Container> {}

export const ContainerExtendedResourceRequest = message('core.v1.ContainerExtendedResourceRequest', '', {
  containerName: f.string(1, '').required(),
  resourceName: f.string(2, '').required(),
  requestName: f.string(3, '').required(),
})
export interface ContainerExtendedResourceRequest extends Infer<typeof ContainerExtendedResourceRequest> {}

export const ContainerImage = message('core.v1.ContainerImage', '', {
  names: f.list('string', 1, '').atomic(),
  sizeBytes: f.int64(2, ''),
})
export interface ContainerImage extends Infer<typeof ContainerImage> {}

export const ContainerStateRunning = message('core.v1.ContainerStateRunning', '', {
  startedAt: f.time(1, ''),
})
export interface ContainerStateRunning extends Infer<typeof ContainerStateRunning> {}

export const ContainerStateTerminated = message('core.v1.ContainerStateTerminated', '', {
  exitCode: f.int32(1, '').required(),
  signal: f.int32(2, ''),
  reason: f.string(3, ''),
  message: f.string(4, ''),
  startedAt: f.time(5, ''),
  finishedAt: f.time(6, ''),
  containerID: f.string(7, ''),
})
export interface ContainerStateTerminated extends Infer<typeof ContainerStateTerminated> {}

export const ContainerStateWaiting = message('core.v1.ContainerStateWaiting', '', {
  reason: f.string(1, ''),
  message: f.string(2, ''),
})
export interface ContainerStateWaiting extends Infer<typeof ContainerStateWaiting> {}

export const ContainerState = message('core.v1.ContainerState', '', {
  waiting: f.message(ContainerStateWaiting, 1, ''),
  running: f.message(ContainerStateRunning, 2, ''),
  terminated: f.message(ContainerStateTerminated, 3, ''),
})
export interface ContainerState extends Infer<typeof ContainerState> {}

export const LinuxContainerUser = message('core.v1.LinuxContainerUser', '', {
  uid: f.int64(1, '').required(),
  gid: f.int64(2, '').required(),
  supplementalGroups: f.list('int64', 3, '').atomic(),
})
export interface LinuxContainerUser extends Infer<typeof LinuxContainerUser> {}

export const ContainerUser = message('core.v1.ContainerUser', '', {
  linux: f.message(LinuxContainerUser, 1, ''),
})
export interface ContainerUser extends Infer<typeof ContainerUser> {}

export const ResourceHealth = message('core.v1.ResourceHealth', '', {
  resourceID: f.string(1, '').required(),
  health: f.string(2, ''),
  message: f.string(6, ''),
})
export interface ResourceHealth extends Infer<typeof ResourceHealth> {}

export const ResourceStatus = message('core.v1.ResourceStatus', '', {
  name: f.string(1, '').required(),
  resources: f.list(ResourceHealth, 2, '').map('resourceID'),
})
export interface ResourceStatus extends Infer<typeof ResourceStatus> {}

export const ImageVolumeStatus = message('core.v1.ImageVolumeStatus', '', {
  imageRef: f.string(1, '').required(),
})
export interface ImageVolumeStatus extends Infer<typeof ImageVolumeStatus> {}

export const VolumeStatus = message('core.v1.VolumeStatus', '', {
  image: f.message(ImageVolumeStatus, 1, ''),
})
export interface VolumeStatus extends Infer<typeof VolumeStatus> {}

export const VolumeMountStatus = message('core.v1.VolumeMountStatus', '', {
  name: f.string(1, '').required(),
  mountPath: f.string(2, '').required(),
  readOnly: f.bool(3, ''),
  recursiveReadOnly: f.string(4, ''),
  volumeStatus: f.message(VolumeStatus, 5, ''),
})
export interface VolumeMountStatus extends Infer<typeof VolumeMountStatus> {}

export const ContainerStatus = message('core.v1.ContainerStatus', '', {
  name: f.string(1, '').required(),
  state: f.message(ContainerState, 2, ''),
  lastState: f.message(ContainerState, 3, ''),
  ready: f.bool(4, '').required(),
  restartCount: f.int32(5, '').required(),
  image: f.string(6, '').required(),
  imageID: f.string(7, '').required(),
  containerID: f.string(8, ''),
  started: f.bool(9, ''),
  allocatedResources: f.mapOf('quantity', 10, ''),
  resources: f.message(ResourceRequirements, 11, ''),
  volumeMounts: f.list(VolumeMountStatus, 12, '').map('mountPath').merge('mountPath'),
  user: f.message(ContainerUser, 13, ''),
  allocatedResourcesStatus: f.list(ResourceStatus, 14, '').map('name').merge('name'),
  stopSignal: f.string(15, ''),
})
export interface ContainerStatus extends Infer<typeof ContainerStatus> {}

export const EphemeralContainer = message('core.v1.EphemeralContainer', '', {
  targetContainerName: f.string(2, ''),
  ...embedded(1, {
    name: f.string(1, '').required(),
    image: f.string(2, ''),
    command: f.list('string', 3, '').atomic(),
    args: f.list('string', 4, '').atomic(),
    workingDir: f.string(5, ''),
    ports: f.list(ContainerPort, 6, '').map('containerPort', 'protocol').merge('containerPort'),
    env: f.list(EnvVar, 7, '').map('name').merge('name'),
    resources: f.message(ResourceRequirements, 8, ''),
    volumeMounts: f.list(VolumeMount, 9, '').map('mountPath').merge('mountPath'),
    livenessProbe: f.message(Probe, 10, ''),
    readinessProbe: f.message(Probe, 11, ''),
    lifecycle: f.message(Lifecycle, 12, ''),
    terminationMessagePath: f.string(13, ''),
    imagePullPolicy: f.string(14, ''),
    securityContext: f.message(SecurityContext, 15, ''),
    stdin: f.bool(16, ''),
    stdinOnce: f.bool(17, ''),
    tty: f.bool(18, ''),
    envFrom: f.list(EnvFromSource, 19, '').atomic(),
    terminationMessagePolicy: f.string(20, ''),
    volumeDevices: f.list(VolumeDevice, 21, '').map('devicePath').merge('devicePath'),
    startupProbe: f.message(Probe, 22, ''),
    resizePolicy: f.list(ContainerResizePolicy, 23, '').atomic(),
    restartPolicy: f.string(24, ''),
    restartPolicyRules: f.list(ContainerRestartRule, 25, '').atomic(),
  }),
})
export interface EphemeralContainer extends Infer<typeof EphemeralContainer> {}
