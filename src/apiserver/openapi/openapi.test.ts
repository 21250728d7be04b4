import { describe, expect, it } from 'vitest'
import { defineResource, kind } from '#api/kind.ts'
import { allResources, deployments, pods } from '#api/resources.ts'
import { OpenApiDocuments } from './documents.ts'

const documents = new OpenApiDocuments({
  resources: allResources,
  version: 'v1.36.0',
  returnsDeleted: ({ plural }) => plural === 'pods',
})
const v2 = JSON.parse(documents.v2().toString())
const v3 = (path: string) => JSON.parse(documents.v3(path)!.toString())

/** Everything that any `$ref` of the document names. */
function* references(value: unknown): Generator<string> {
  if (typeof value !== 'object' || value === null) return
  for (const [key, inner] of Object.entries(value)) {
    if (key === '$ref' && typeof inner === 'string') yield inner
    else yield* references(inner)
  }
}

describe('OpenAPI', () => {
  it('has a definition for everything it refers to, in every document', () => {
    for (const ref of references(v2)) expect(v2.definitions).toHaveProperty([ref.slice('#/definitions/'.length)])
    const index = JSON.parse(documents.v3Index().toString())
    expect(Object.keys(index.paths)).toEqual(expect.arrayContaining(['api', 'api/v1', 'apis/apps', 'apis/apps/v1']))
    for (const path of Object.keys(index.paths)) {
      const document = v3(path)
      for (const ref of references(document)) {
        expect(document.components.schemas).toHaveProperty([ref.slice('#/components/schemas/'.length)])
      }
    }
  })

  it('gives each operation an id of its own', () => {
    const ids = Object.values<any>(v2.paths).flatMap((item) =>
      Object.entries<any>(item).flatMap(([method, operation]) =>
        method === 'parameters' ? [] : [operation.operationId],
      ),
    )
    expect(new Set(ids).size).toBe(ids.length)
    expect(ids).toEqual(
      expect.arrayContaining([
        'listCoreV1PodForAllNamespaces',
        'deleteCoreV1CollectionNamespacedPod',
        'replaceAppsV1NamespacedDeploymentScale',
        'connectCoreV1GetNamespacedPodExec',
        'connectCoreV1PostNodeProxyWithPath',
        'readRbacAuthorizationV1ClusterRole',
        'watchCoreV1NamespacedPodList',
        'getFlowcontrolApiserverV1APIResources',
      ]),
    )
  })

  it('says how lists and maps merge', () => {
    const { properties } = v2.definitions['io.k8s.api.core.v1.PodSpec']
    expect(properties.containers).toMatchObject({
      type: 'array',
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['name'],
      'x-kubernetes-patch-strategy': 'merge',
      'x-kubernetes-patch-merge-key': 'name',
    })
    expect(properties.nodeSelector['x-kubernetes-map-type']).toBe('atomic')
    expect(v2.definitions['io.k8s.apimachinery.pkg.apis.meta.v1.LabelSelector']['x-kubernetes-map-type']).toBe('atomic')
    expect(properties.restartPolicy.enum).toEqual(['Always', 'Never', 'OnFailure'])
  })

  it('names kinds where clients look for them', () => {
    const schema = v3('apis/apps/v1').components.schemas['io.k8s.api.apps.v1.Deployment']
    expect(schema['x-kubernetes-group-version-kind']).toEqual([{ group: 'apps', kind: 'Deployment', version: 'v1' }])
    expect(schema.properties.spec).toMatchObject({
      allOf: [{ $ref: '#/components/schemas/io.k8s.api.apps.v1.DeploymentSpec' }],
      default: {},
    })
    const { patch } = v3('apis/apps/v1').paths['/apis/apps/v1/namespaces/{namespace}/deployments/{name}']
    expect(patch['x-kubernetes-group-version-kind']).toEqual({ group: 'apps', kind: 'Deployment', version: 'v1' })
    expect(patch.parameters.map((p: { name: string }) => p.name)).toEqual([
      'dryRun',
      'fieldManager',
      'fieldValidation',
      'force',
    ])
    expect(Object.keys(patch.requestBody.content)).toContain('application/apply-patch+yaml')
  })

  it('tells of the server itself, for which client generators make methods, too', () => {
    const ids = (paths: Record<string, any>) => Object.values(paths).map(({ get }) => get.operationId)
    const index = JSON.parse(documents.v3Index().toString()).paths
    for (const [path, id] of [
      ['version', 'getCodeVersion'],
      ['apis', 'getAPIVersions'],
      ['.well-known/openid-configuration', 'getServiceAccountIssuerOpenIDConfiguration'],
      ['openid/v1/jwks', 'getServiceAccountIssuerOpenIDKeyset'],
    ] as const) {
      expect(index).toHaveProperty([path])
      expect(ids(v3(path).paths)).toEqual([id])
      expect(v2.paths[`/${path}/`].get.operationId).toBe(id)
    }
    expect(v3('version').components.schemas['io.k8s.apimachinery.pkg.version.Info'].required).toContain('gitVersion')
    const { produces } = v2.paths['/openid/v1/jwks/'].get
    expect(produces).toEqual(['application/jwk-set+json'])
  })

  it('names the parameters of lists, and the types of logs', () => {
    const { parameters } = v2.paths['/api/v1/pods']
    expect(parameters.map(({ name, type }: { name: string; type: string }) => `${name} ${type}`)).toEqual([
      'allowWatchBookmarks boolean',
      'continue string',
      'fieldSelector string',
      'labelSelector string',
      'limit integer',
      'resourceVersion string',
      'resourceVersionMatch string',
      'sendInitialEvents boolean',
      'shardSelector string',
      'timeoutSeconds integer',
      'watch boolean',
      'pretty string',
    ])
    expect(v2.paths['/api/v1/namespaces/{namespace}/pods/{name}/log'].get.produces).toContain('text/plain')
  })

  it('tells which deletions answer with the object', () => {
    const answer = (path: string) => v2.paths[path].delete.responses['200'].schema.$ref
    expect(answer('/api/v1/namespaces/{namespace}/pods/{name}')).toBe('#/definitions/io.k8s.api.core.v1.Pod')
    expect(answer('/api/v1/namespaces/{namespace}/secrets/{name}')).toMatch(/Status$/)
  })

  it('takes in the schema of custom resources, and changes its hashes only with its contents', () => {
    const plain = defineResource(kind('example.com', 'v1', 'Widget', 'A widget.', {}), 'widgets')
    const widgets = defineResource(kind('example.com', 'v1', 'Widget', 'A widget.', {}), 'widgets')
    const schema = { type: 'object', properties: { size: { type: 'integer' } } }
    Object.assign(widgets, { subresources: { scale: { kind: 'Scale', apiVersion: 'autoscaling/v1' } } })
    widgets.type.schema = {
      source: schema,
      decode: (object) => ({ object, unknown: [] }),
      published: (_dialect, metadata) => ({ ...schema, properties: { ...schema.properties, metadata } }),
    }
    const resources = [pods, deployments, widgets]
    const custom = new OpenApiDocuments({ resources, version: 'v1.36.0' })
    const document = JSON.parse(custom.v3('apis/example.com/v1')!.toString())
    expect(document.components.schemas['com.example.v1.Widget']).toMatchObject(schema)
    const { get } = document.paths['/apis/example.com/v1/widgets/{name}']
    expect(get.operationId).toBe('readExampleComV1Widget')
    expect(get.parameters.map(({ name }: { name: string }) => name)).toEqual(['resourceVersion'])
    const scale = document.paths['/apis/example.com/v1/widgets/{name}/scale'].get
    expect(scale['x-kubernetes-group-version-kind']).toEqual({ group: 'example.com', kind: 'Widget', version: 'v1' })
    const hashes = (made: OpenApiDocuments) => JSON.parse(made.v3Index().toString()).paths
    const without = hashes(new OpenApiDocuments({ resources: [pods, deployments, plain], version: 'v1.36.0' }))
    expect(hashes(custom)['apis/apps/v1']).toEqual(without['apis/apps/v1'])
    expect(hashes(custom)['apis/example.com/v1']).not.toEqual(without['apis/example.com/v1'])
    expect(custom.v3('apis/nothing/v1')).toBeUndefined()
  })
})
