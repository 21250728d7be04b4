/**
 * The three gRPC services of a runtime's socket, as data: method -> [request, response], and 'server' or 'client' where one
 * side streams. From these tables come the client (client.ts) and the server's definitions (`serviceDefinition`).
 */
import type { ServiceDefinition } from '@grpc/grpc-js'
import { decodeMessage, encodeMessage } from './codec.ts'
import type { CriMessageName } from './types.ts'

export type MethodEntry = readonly [request: CriMessageName, response: CriMessageName, streams?: 'server' | 'client']
export type ServiceTable = Readonly<Record<string, MethodEntry>>

export const RUNTIME_SERVICE = {
  version: ['VersionRequest', 'VersionResponse'],
  runPodSandbox: ['RunPodSandboxRequest', 'RunPodSandboxResponse'],
  stopPodSandbox: ['StopPodSandboxRequest', 'StopPodSandboxResponse'],
  removePodSandbox: ['RemovePodSandboxRequest', 'RemovePodSandboxResponse'],
  podSandboxStatus: ['PodSandboxStatusRequest', 'PodSandboxStatusResponse'],
  listPodSandbox: ['ListPodSandboxRequest', 'ListPodSandboxResponse'],
  streamPodSandboxes: ['StreamPodSandboxesRequest', 'StreamPodSandboxesResponse', 'server'],
  createContainer: ['CreateContainerRequest', 'CreateContainerResponse'],
  startContainer: ['StartContainerRequest', 'StartContainerResponse'],
  stopContainer: ['StopContainerRequest', 'StopContainerResponse'],
  removeContainer: ['RemoveContainerRequest', 'RemoveContainerResponse'],
  listContainers: ['ListContainersRequest', 'ListContainersResponse'],
  streamContainers: ['StreamContainersRequest', 'StreamContainersResponse', 'server'],
  containerStatus: ['ContainerStatusRequest', 'ContainerStatusResponse'],
  updateContainerResources: ['UpdateContainerResourcesRequest', 'UpdateContainerResourcesResponse'],
  reopenContainerLog: ['ReopenContainerLogRequest', 'ReopenContainerLogResponse'],
  execSync: ['ExecSyncRequest', 'ExecSyncResponse'],
  exec: ['ExecRequest', 'ExecResponse'],
  attach: ['AttachRequest', 'AttachResponse'],
  portForward: ['PortForwardRequest', 'PortForwardResponse'],
  containerStats: ['ContainerStatsRequest', 'ContainerStatsResponse'],
  listContainerStats: ['ListContainerStatsRequest', 'ListContainerStatsResponse'],
  streamContainerStats: ['StreamContainerStatsRequest', 'StreamContainerStatsResponse', 'server'],
  podSandboxStats: ['PodSandboxStatsRequest', 'PodSandboxStatsResponse'],
  listPodSandboxStats: ['ListPodSandboxStatsRequest', 'ListPodSandboxStatsResponse'],
  streamPodSandboxStats: ['StreamPodSandboxStatsRequest', 'StreamPodSandboxStatsResponse', 'server'],
  updateRuntimeConfig: ['UpdateRuntimeConfigRequest', 'UpdateRuntimeConfigResponse'],
  status: ['StatusRequest', 'StatusResponse'],
  checkpointContainer: ['CheckpointContainerRequest', 'CheckpointContainerResponse'],
  getContainerEvents: ['GetEventsRequest', 'ContainerEventResponse', 'server'],
  listMetricDescriptors: ['ListMetricDescriptorsRequest', 'ListMetricDescriptorsResponse'],
  listPodSandboxMetrics: ['ListPodSandboxMetricsRequest', 'ListPodSandboxMetricsResponse'],
  streamPodSandboxMetrics: ['StreamPodSandboxMetricsRequest', 'StreamPodSandboxMetricsResponse', 'server'],
  runtimeConfig: ['RuntimeConfigRequest', 'RuntimeConfigResponse'],
  updatePodSandboxResources: ['UpdatePodSandboxResourcesRequest', 'UpdatePodSandboxResourcesResponse'],
} as const satisfies ServiceTable

export const IMAGE_SERVICE = {
  listImages: ['ListImagesRequest', 'ListImagesResponse'],
  streamImages: ['StreamImagesRequest', 'StreamImagesResponse', 'server'],
  imageStatus: ['ImageStatusRequest', 'ImageStatusResponse'],
  pullImage: ['PullImageRequest', 'PullImageResponse'],
  removeImage: ['RemoveImageRequest', 'RemoveImageResponse'],
  imageFsInfo: ['ImageFsInfoRequest', 'ImageFsInfoResponse'],
} as const satisfies ServiceTable

export const ARCHIVE_SERVICE = {
  load: ['LoadImageRequest', 'LoadImageResponse', 'client'],
  fromHost: ['BuildHostImageRequest', 'BuildHostImageResponse'],
  export: ['ExportImageRequest', 'ExportImageResponse', 'server'],
} as const satisfies ServiceTable

/** Full names, as they appear in gRPC paths. */
export const SERVICE_NAMES = {
  runtime: 'runtime.v1.RuntimeService',
  image: 'runtime.v1.ImageService',
  archive: 'rostrum.runtime.v1.Images',
} as const

/** `/runtime.v1.RuntimeService/RunPodSandbox` for ('runtime.v1.RuntimeService', 'runPodSandbox'). */
export function methodPath(service: string, method: string): string {
  return `/${service}/${method[0]!.toUpperCase()}${method.slice(1)}`
}

/** What `@grpc/grpc-js` needs to serve, or to call, the methods of `table`. */
export function serviceDefinition(service: string, table: ServiceTable): ServiceDefinition {
  const definition: Record<string, ServiceDefinition[string]> = {}
  for (const [method, [request, response, streams]] of Object.entries(table)) {
    definition[method] = {
      path: methodPath(service, method),
      requestStream: streams === 'client',
      responseStream: streams === 'server',
      requestSerialize: (message: object) => encodeMessage(request, message),
      requestDeserialize: (bytes: Buffer) => decodeMessage(request, bytes),
      responseSerialize: (message: object) => encodeMessage(response, message),
      responseDeserialize: (bytes: Buffer) => decodeMessage(response, bytes),
    }
  }
  return definition
}
