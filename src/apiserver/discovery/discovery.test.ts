import { describe, expect, it } from 'vitest'
import { defineResource, kind } from '#api/kind.ts'
import { APIResource } from '#api/meta/v1.ts'
import { encodeProtobuf } from '#api/protobuf-encode.ts'
import { allResources } from '#api/resources.ts'
import { aggregatedDiscovery, aggregatedVersion } from './aggregated.ts'
import { apiGroup, apiGroupList, apiResourceList, storageVersionHash } from './documents.ts'
import { compareVersions } from './groups.ts'

const find = (group: string, version: string, name: string) =>
  apiResourceList(allResources, group, version)?.resources.find((resource) => resource.name === name)

describe('discovery', () => {
  it('lists groups in the order of preference, newest version first', () => {
    const { groups } = apiGroupList(allResources)
    expect(groups.slice(0, 3).map((group) => group.name)).toEqual(['apiregistration.k8s.io', 'apps', 'events.k8s.io'])
    expect(groups.find((group) => group.name === 'autoscaling')).toEqual({
      name: 'autoscaling',
      preferredVersion: { groupVersion: 'autoscaling/v2', version: 'v2' },
      versions: [
        { groupVersion: 'autoscaling/v2', version: 'v2' },
        { groupVersion: 'autoscaling/v1', version: 'v1' },
      ],
    })
    expect(groups.some((group) => group.name === '')).toBe(false)
    expect(apiGroup(allResources, 'nope')).toBeUndefined()
  })

  it('has verbs in a message of their own in protobuf, as Go clients expect', () => {
    const bytes = encodeProtobuf(APIResource, find('', 'v1', 'componentstatuses')!)
    expect(bytes.toString('latin1')).toContain('"\x0b\n\x03get\n\x04list')
  })

  it('describes resources and their subresources', () => {
    expect(find('', 'v1', 'pods')).toMatchObject({ singularName: 'pod', shortNames: ['po'], categories: ['all'] })
    expect(find('', 'v1', 'pods/exec')).toEqual({
      name: 'pods/exec',
      singularName: '',
      namespaced: true,
      kind: 'PodExecOptions',
      verbs: ['create', 'get'],
    })
    expect(find('', 'v1', 'pods/eviction')).toMatchObject({ group: 'policy', version: 'v1', kind: 'Eviction' })
    expect(find('apps', 'v1', 'deployments/scale')).toMatchObject({
      group: 'autoscaling',
      version: 'v1',
      kind: 'Scale',
    })
    expect(find('', 'v1', 'services/proxy')?.verbs).toEqual(['create', 'delete', 'get', 'patch', 'update'])
    expect(apiResourceList(allResources, 'apps', 'v9')).toBeUndefined()
  })

  it('gives stored resources the hash that upstream gives them', () => {
    expect(find('', 'v1', 'configmaps')?.storageVersionHash).toBe('qFsyl6wFWjQ=')
    expect(find('events.k8s.io', 'v1', 'events')?.storageVersionHash).toBe('r2yiGXH7wu8=')
    expect(find('', 'v1', 'bindings')).not.toHaveProperty('storageVersionHash')
  })

  it('takes in custom resources after the built-in groups', () => {
    const widgets = defineResource(kind('example.com', 'v1', 'Widget', 'A widget.', {}), 'widgets', {
      namespaced: true,
    })
    const groups = apiGroupList([widgets, ...allResources]).groups.map((group) => group.name)
    expect(groups.at(-1)).toBe('example.com')
    expect(storageVersionHash(widgets)).toMatch(/^[\w+/]{11}=$/)
  })

  it('aggregates all groups into one document with a stable tag', () => {
    const document = aggregatedDiscovery(allResources, 'apis', 'v2')
    expect(document.etag).toBe(aggregatedDiscovery([...allResources].reverse(), 'apis', 'v2').etag)
    expect(document.contentType).toBe('application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList')
    const { items } = JSON.parse(document.body.toString())
    expect(items[0].metadata.name).toBe('apiregistration.k8s.io')
    const core = JSON.parse(aggregatedDiscovery(allResources, 'api', 'v2beta1').body.toString())
    expect(core.apiVersion).toBe('apidiscovery.k8s.io/v2beta1')
    expect(core.items).toHaveLength(1)
    expect(core.items[0].metadata).toEqual({})
  })

  it.each([
    ['application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json', 'v2'],
    ['application/json; as=APIGroupDiscoveryList; v=v2beta1; g=apidiscovery.k8s.io', 'v2beta1'],
    ['application/json;g=apidiscovery.k8s.io;v=v9;as=APIGroupDiscoveryList,application/json', undefined],
    ['application/json', undefined],
    ['*/*', undefined],
    ['', undefined],
  ])('understands Accept: %s', (accept, version) => {
    expect(aggregatedVersion(accept)).toBe(version)
  })

  it('orders versions by maturity, then by number', () => {
    const versions = ['v1alpha1', 'foo', 'v10', 'v2beta1', 'v1', 'v2', 'v1beta2', 'v11alpha2']
    expect(versions.toSorted((a, b) => compareVersions(b, a))).toEqual([
      'v10',
      'v2',
      'v1',
      'v2beta1',
      'v1beta2',
      'v11alpha2',
      'v1alpha1',
      'foo',
    ])
  })
})
