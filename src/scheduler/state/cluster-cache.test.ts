import { describe, expect, it } from 'vitest'
import type { Pod } from '#api/core/v1/pod.ts'
import { type PodFixture, testNode, testPod } from '../fixtures.ts'
import { ClusterCache } from './cluster-cache.ts'
import { podInfo } from './pod-info.ts'
import { PodShapes } from './pod-shape.ts'

const shapes = new PodShapes()
const info = (pod: Pod) => podInfo(pod, shapes)
const one = (fixture: PodFixture = {}) => info(testPod('p', { requests: { cpu: '1' }, ...fixture }))

function cpuOn(cache: ClusterCache, node: string): number {
  const index = cache.nodes.index(node)
  return index === undefined ? 0 : cache.nodes.cpu.requested[index]!
}

function withNodes(...names: string[]): ClusterCache {
  const cache = new ClusterCache()
  for (const name of names) cache.setNode(testNode(name))
  return cache
}

describe('ClusterCache', () => {
  it('counts an assumed pod at once, and no more when the API confirms it', () => {
    const cache = withNodes('a')
    cache.assume(one(), 'a')
    expect([cpuOn(cache, 'a'), cache.assumedCount]).toEqual([1000, 1])
    cache.addPod(one({ nodeName: 'a' }))
    expect([cpuOn(cache, 'a'), cache.assumedCount, cache.isAssumed('pod-default-p')]).toEqual([1000, 0, false])
  })

  it('gives back what was assumed when binding failed, once', () => {
    const cache = withNodes('a')
    cache.assume(one(), 'a')
    expect(cache.forget('pod-default-p')).toBe(true)
    expect(cache.forget('pod-default-p')).toBe(false)
    expect([cpuOn(cache, 'a'), cache.podCount]).toEqual([0, 0])
  })

  it('does not forget a pod that the API has confirmed before the failure was known', () => {
    const cache = withNodes('a')
    cache.assume(one(), 'a')
    cache.addPod(one({ nodeName: 'a' }))
    expect(cache.forget('pod-default-p')).toBe(false)
    expect(cpuOn(cache, 'a')).toBe(1000)
  })

  it('believes the API where a pod turns up on another node than assumed', () => {
    const cache = withNodes('a', 'b')
    cache.assume(one(), 'a')
    cache.addPod(one({ nodeName: 'b' }))
    expect([cpuOn(cache, 'a'), cpuOn(cache, 'b'), cache.assumedCount]).toEqual([0, 1000, 0])
  })

  it('refuses to assume a pod twice', () => {
    const cache = withNodes('a')
    cache.assume(one(), 'a')
    expect(() => cache.assume(one(), 'a')).toThrow('cannot assume pod "default/p": it is on node "a" already')
  })

  it('follows a resize and leaves the node alone where nothing counts', () => {
    const cache = withNodes('a')
    cache.addPod(one({ nodeName: 'a' }))
    const before = cache.nodes.changes.end
    cache.addPod(one({ nodeName: 'a', status: { phase: 'Running' } }))
    expect(cache.nodes.changes.end).toBe(before)
    cache.addPod(one({ nodeName: 'a', requests: { cpu: '3' } }))
    expect(cpuOn(cache, 'a')).toBe(3000)
    cache.removePod('pod-default-p')
    cache.removePod('pod-default-p')
    expect(cpuOn(cache, 'a')).toBe(0)
  })

  it('keeps pods of a node that is gone or not there yet', () => {
    const cache = withNodes('a')
    cache.addPod(one({ nodeName: 'a' }))
    cache.removeNode('a')
    expect(cache.nodes.count).toBe(0)
    cache.addPod(info(testPod('early', { requests: { cpu: '2' }, nodeName: 'b' })))
    cache.setNode(testNode('a'))
    cache.setNode(testNode('b'))
    expect([cpuOn(cache, 'a'), cpuOn(cache, 'b'), cache.nodes.count]).toEqual([1000, 2000, 2])
    cache.removeNode('a')
    cache.removePod('pod-default-p')
    expect(cache.nodes.index('a')).toBeUndefined()
  })

  it('groups pods of equal labels, apart from those that terminate', () => {
    const cache = withNodes('a', 'b')
    const labels = { app: 'x' }
    for (const [i, nodeName] of ['a', 'a', 'b'].entries()) cache.addPod(info(testPod(`p${i}`, { labels, nodeName })))
    cache.addPod(info(testPod('going', { labels, nodeName: 'b', terminating: true })))
    const groups = [...cache.nodes.podClasses.in('default')]
    expect(groups.map((g) => [g.isTerminating, [...g.counts.values()]])).toEqual([
      [false, [2, 1]],
      [true, [1]],
    ])
    for (const i of [0, 1, 2]) cache.removePod(`pod-default-p${i}`)
    cache.removePod('pod-default-going')
    expect(cache.nodes.podClasses.size).toBe(0)
  })
})
