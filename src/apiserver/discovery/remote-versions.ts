/** What discovery knows of group versions that extension API servers serve. */

export interface RemoteVersion {
  readonly group: string
  readonly version: string
  /** From its APIService. */
  readonly groupPriority: number
  readonly versionPriority: number
  /** APIResourceDiscovery of apidiscovery.k8s.io/v2, as JSON. */
  readonly resources: readonly object[]
  /** `Stale` where the server did not answer when it was last asked. */
  readonly freshness: 'Current' | 'Stale'
}
