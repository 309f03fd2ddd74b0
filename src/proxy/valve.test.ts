// One socket, two reasons not to read it.
import { expect, test } from 'vitest';

import { Valve } from './valve.ts';

class Scene {
  isBehind = false;
  isRead = true;
  readonly waiting: (() => void)[] = [];
  readonly valve = new Valve(
    { pause: () => void (this.isRead = false), resume: () => void (this.isRead = true) } as never,
    { isBehind: () => this.isBehind, whenNotBehind: (goOn) => void this.waiting.push(goOn) },
  );

  catchUp(): void {
    this.isBehind = false;
    for (const goOn of this.waiting.splice(0)) goOn();
  }
}

test('a socket is read on while the other side takes it and nobody is behind', () => {
  const { valve, isRead } = new Scene();
  valve.passed(true);
  expect(isRead).toBe(true);
});

test('a full buffer stops it until that has drained', () => {
  const scene = new Scene();
  scene.valve.passed(false);
  expect(scene.isRead).toBe(false);
  scene.valve.drained();
  expect(scene.isRead).toBe(true);
});

test('whoever is behind stops it until they are not', () => {
  const scene = new Scene();
  scene.isBehind = true;
  scene.valve.passed(true);
  expect(scene.isRead).toBe(false);
  scene.catchUp();
  expect(scene.isRead).toBe(true);
});

test.each(['drained first', 'caught up first'])('where both stop it, it is read when neither does: %s', (order) => {
  const scene = new Scene();
  scene.isBehind = true;
  scene.valve.passed(false);
  const steps = [() => scene.valve.drained(), () => scene.catchUp()];
  if (order === 'caught up first') steps.reverse();
  steps[0]!();
  expect(scene.isRead).toBe(false);
  steps[1]!();
  expect(scene.isRead).toBe(true);
});

test('what still comes while it is held asks for no second call', () => {
  const scene = new Scene();
  scene.isBehind = true;
  scene.valve.passed(true);
  scene.valve.passed(true);
  expect(scene.waiting.length).toBe(1);
  scene.catchUp();
  scene.isBehind = true;
  scene.valve.passed(true);
  expect(scene.waiting.length).toBe(1);
});

test('a socket whose bytes nobody records is never held', () => {
  let isRead = true;
  const valve = new Valve({ pause: () => void (isRead = false), resume: () => undefined } as never, null);
  valve.passed(true);
  expect(isRead).toBe(true);
});
