import { afterEach, describe, expect, it } from 'vitest'
import type { Deployment } from '#api/apps/v1.ts'
import type { Pod } from '#api/core/v1/pod.ts'
import {
  deployments,
  events,
  namespaces,
  pods,
  replicaSets,
  replicationControllers,
  serviceAccounts,
} from '#api/resources.ts'
import { formatTime } from '#machinery/time.ts'
import { type InProcessApi, startInProcessApi } from '#testing/in-process-api.ts'
import { createDeploymentController } from './deployment/deployment-controller.ts'
import { createReplicaSetController, createReplicationController } from './replicaset/replica-controller.ts'

let cluster: InProcessApi
afterEach(() => cluster.close())

async function start(): Promise<InProcessApi> {
  cluster = await startInProcessApi()
  await cluster.client.create(namespaces, { metadata: { name: 'ns' } })
  await cluster.client.create(serviceAccounts, { metadata: { name: 'default', namespace: 'ns' } })
  for (const create of [createDeploymentController, createReplicaSetController, createReplicationController]) {
    await create().start(cluster)
  }
  return cluster
}

const until = <T>(test: () => T | undefined | false | 0) => cluster.until(test)
const podsOf = (selector: (pod: Pod) => boolean = () => true) => cluster.informers.for(pods).list('ns').filter(selector)
const isLive = (pod: Pod) => !pod.metadata.deletionTimestamp

/** Does what scheduler and kubelet would: makes new pods ready, and ends those that are being deleted. */
function runKubelet(): void {
  const makeReady = async (pod: Pod) => {
    const { name, namespace } = pod.metadata
    if (pod.metadata.deletionTimestamp) {
      await cluster.client.delete(pods, { name, namespace }, { gracePeriodSeconds: 0 }).catch(() => {})
    } else if (pod.status.phase !== 'Running') {
      const condition = { type: 'Ready', status: 'True', lastTransitionTime: formatTime(cluster.clock.now()) }
      const status = { phase: 'Running', conditions: [condition] }
      await cluster.client.patch(pods, { name, namespace }, { status }, { subresource: 'status' }).catch(() => {})
    }
  }
  cluster.informers.for(pods).handle({ added: (pod) => void makeReady(pod), updated: (pod) => void makeReady(pod) })
}

const deployment = (replicas: number, image = 'web:1', spec: Partial<Deployment['spec']> = {}) => ({
  metadata: { name: 'web', namespace: 'ns', annotations: { note: 'hello' } },
  spec: {
    replicas,
    selector: { matchLabels: { app: 'web' } },
    template: { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'c', image }] } },
    ...spec,
  } as Deployment['spec'],
})

describe('a Deployment', () => {
  it('becomes a ReplicaSet, pods, and a status that tells of its success', async () => {
    const { client, informers } = await start()
    runKubelet()
    await client.create(deployments, deployment(3))
    const done = await until(() => {
      const found = informers.for(deployments).get('ns', 'web')
      return found?.status.conditions?.some((c) => c.reason === 'NewReplicaSetAvailable') && found
    })
    expect(done.status).toMatchObject({
      observedGeneration: 1,
      replicas: 3,
      updatedReplicas: 3,
      readyReplicas: 3,
      availableReplicas: 3,
    })
    expect(done.metadata.annotations).toMatchObject({ 'deployment.kubernetes.io/revision': '1' })
    expect(done.status.conditions!.map((c) => [c.type, c.status, c.reason])).toEqual(
      expect.arrayContaining([
        ['Available', 'True', 'MinimumReplicasAvailable'],
        ['Progressing', 'True', 'NewReplicaSetAvailable'],
      ]),
    )
    const [set] = informers.for(replicaSets).list('ns')
    const hash = set!.metadata.labels!['pod-template-hash']!
    expect(set!.metadata.name).toBe(`web-${hash}`)
    expect(set!.metadata.annotations).toEqual({
      note: 'hello',
      'deployment.kubernetes.io/revision': '1',
      'deployment.kubernetes.io/desired-replicas': '3',
      'deployment.kubernetes.io/max-replicas': '4',
    })
    expect(set!.spec.selector).toEqual({ matchLabels: { app: 'web', 'pod-template-hash': hash } })
    for (const pod of podsOf()) {
      expect(pod.metadata.name).toMatch(new RegExp(`^web-${hash}-[a-z0-9]{5}$`))
      expect(pod.metadata.ownerReferences).toMatchObject([
        { kind: 'ReplicaSet', name: set!.metadata.name, controller: true },
      ])
    }
  })

  it('rolls to a new template, keeps the old one as history, and goes back to it', async () => {
    const { client, informers } = await start()
    runKubelet()
    await client.create(deployments, deployment(4))
    const complete = (revision: string) =>
      until(() => {
        const found = informers.for(deployments).get('ns', 'web')
        const { generation = 0, annotations } = found?.metadata ?? {}
        const isDone =
          found?.status.updatedReplicas === 4 && found.status.replicas === 4 && found.status.availableReplicas === 4
        return (
          isDone &&
          found.status.observedGeneration === generation &&
          annotations?.['deployment.kubernetes.io/revision'] === revision &&
          podsOf(isLive).length === 4
        )
      })
    await complete('1')
    const change = (image: string) =>
      client.patch(
        deployments,
        { namespace: 'ns', name: 'web' },
        { spec: { template: { spec: { containers: [{ name: 'c', image }] } } } },
      )
    await change('web:2')
    await complete('2')
    expect(new Set(podsOf(isLive).map((pod) => pod.spec.containers[0]!.image))).toEqual(new Set(['web:2']))
    await change('web:1')
    await complete('3')
    const sets = informers.for(replicaSets).list('ns')
    expect(
      sets
        .map((s) => [
          s.spec.template!.spec!.containers[0]!.image,
          s.metadata.annotations!['deployment.kubernetes.io/revision'],
        ])
        .toSorted(),
    ).toEqual([
      ['web:1', '3'],
      ['web:2', '2'],
    ])
    const first = sets.find((s) => s.spec.template!.spec!.containers[0]!.image === 'web:1')!
    expect(first.metadata.annotations!['deployment.kubernetes.io/revision-history']).toBe('1')
    await cluster.recorder.flushed()
    const { items } = await client.list(events, { namespace: 'ns', fieldSelector: 'involvedObject.kind=Deployment' })
    expect(items.map((e) => e.message)).toContain(`Scaled up replica set ${first.metadata.name} from 0 to 4`)
  })

  it('does nothing while paused, and goes on when resumed', async () => {
    const { client, informers } = await start()
    await client.create(deployments, deployment(2, 'web:1', { paused: true }))
    const paused = await until(() => {
      const found = informers.for(deployments).get('ns', 'web')
      return found?.status.observedGeneration === 1 && found
    })
    expect(paused.status.conditions!.map((c) => c.reason)).toContain('DeploymentPaused')
    expect(informers.for(replicaSets).size).toBe(0)
    await client.patch(deployments, paused.metadata, { spec: { paused: false } })
    await until(() => podsOf(isLive).length === 2)
  })
})

describe('a ReplicaSet', () => {
  const replicaSet = (replicas: number) => {
    const { spec } = deployment(replicas)
    return {
      metadata: { name: 'web', namespace: 'ns' },
      spec: { replicas, selector: spec.selector, template: spec.template },
    }
  }

  it('creates exactly as many pods as it is asked for, and replaces those that go', async () => {
    const { client, informers } = await start()
    await client.create(replicaSets, replicaSet(40))
    await until(() => informers.for(replicaSets).get('ns', 'web')?.status.replicas === 40)
    expect(podsOf()).toHaveLength(40)
    const victim = podsOf()[7]!
    await client.delete(pods, victim.metadata, { gracePeriodSeconds: 0 })
    await until(() => podsOf().length === 40 && !podsOf().some((pod) => pod.metadata.uid === victim.metadata.uid))
  })

  it('adopts matching orphans, lets go of pods that no longer match, and deletes the least useful', async () => {
    const { client, informers } = await start()
    const { spec } = deployment(1).spec.template
    await client.create(pods, { metadata: { name: 'orphan', namespace: 'ns', labels: { app: 'web' } }, spec: spec! })
    await client.create(replicaSets, replicaSet(3))
    await until(() => informers.for(replicaSets).get('ns', 'web')?.status.replicas === 3)
    expect(podsOf()).toHaveLength(3)
    const orphan = informers.for(pods).get('ns', 'orphan')!
    expect(orphan.metadata.ownerReferences).toMatchObject([{ kind: 'ReplicaSet', name: 'web', controller: true }])

    await client.patch(pods, orphan.metadata, { metadata: { labels: { app: 'other' } } })
    await until(() => podsOf((pod) => pod.metadata.labels!.app === 'web').length === 3)
    expect(informers.for(pods).get('ns', 'orphan')!.metadata.ownerReferences ?? []).toEqual([])

    const kept = podsOf((pod) => pod.metadata.labels!.app === 'web')[1]!
    await client.patch(pods, kept.metadata, {
      metadata: { annotations: { 'controller.kubernetes.io/pod-deletion-cost': '10' } },
    })
    await until(() => informers.for(pods).get('ns', kept.metadata.name)!.metadata.annotations)
    await client.patch(replicaSets, { namespace: 'ns', name: 'web' }, { spec: { replicas: 1 } })
    await until(() => podsOf((pod) => pod.metadata.labels!.app === 'web').length === 1)
    expect(informers.for(pods).get('ns', kept.metadata.name)).toBeDefined()
  })

  it('says in its status why pods cannot be created, and stops trying them all', async () => {
    const { client, informers } = await start()
    const broken = replicaSet(20)
    broken.spec.template = {
      ...broken.spec.template,
      spec: { ...broken.spec.template.spec!, serviceAccountName: 'nobody' },
    }
    await client.create(replicaSets, broken)
    const found = await until(() => {
      const set = informers.for(replicaSets).get('ns', 'web')
      return set?.status.conditions && set
    })
    expect(found.status.conditions).toMatchObject([{ type: 'ReplicaFailure', status: 'True', reason: 'FailedCreate' }])
    expect(found.status.conditions![0]!.message).toContain('serviceaccount "nobody" not found')
    await cluster.recorder.flushed()
    const { items } = await client.list(events, { namespace: 'ns' })
    expect(items.map((e) => [e.type, e.reason, e.source?.component])).toContainEqual([
      'Warning',
      'FailedCreate',
      'replicaset-controller',
    ])
  })
})

describe('a ReplicationController', () => {
  it('keeps its replicas', async () => {
    const { client, informers } = await start()
    const { template } = deployment(2).spec
    await client.create(replicationControllers, {
      metadata: { name: 'old', namespace: 'ns' },
      spec: { replicas: 2, selector: { app: 'web' }, template },
    })
    await until(() => podsOf().length === 2)
    const owner = podsOf()[0]!.metadata.ownerReferences
    expect(owner).toMatchObject([{ apiVersion: 'v1', kind: 'ReplicationController', name: 'old' }])
    expect(informers.for(replicationControllers).size).toBe(1)
  })
})
