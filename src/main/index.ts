/** Rostrum as a library. */
export { Cluster, type ClusterOptions } from './cluster.ts'
export { Client, type CallOptions, type ObjectKey } from '#client/client.ts'
export { isStatus, StatusError } from '#machinery/status-error.ts'
export * as resources from '#api/resources.ts'
export type { Draft, KubeObject, ObjectList, Resource } from '#api/kind.ts'
