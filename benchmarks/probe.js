/**
 * Put into a page before anything else of it: when did what was drawn with WebGL become whole, in any plot.
 *
 * While it is armed, every frame that draws ends with a `readPixels`, which waits until the GPU is through. A frame that
 * shows what the one before it showed does not count.
 */
(() => {
  const probe = {
    /** performance.now() of what is measured, of the first frame after it and of the last one. */
    since: null,
    first: null,
    last: null,
    /** What arms it anew, for events of the page. */
    on: null,
    waiting: [],
    sent: [],

    arm() {
      Object.assign(probe, { since: performance.now(), first: null, last: null });
    },
    /** Armed by the next events of these types, before anybody else hears of them. */
    armOn(type) {
      Object.assign(probe, { since: null, first: null, last: null, on: type });
    },
    /** Milliseconds until the first frame after the event. */
    async shown() {
      if (probe.first === null) await new Promise((resolve) => probe.waiting.push(resolve));
      return probe.first - probe.since;
    },
    /** Milliseconds until the last frame, after which nothing was drawn for `quiet` milliseconds. */
    async settled(quiet) {
      const pause = () => new Promise((resolve) => setTimeout(resolve, 20));
      while (probe.last === null || performance.now() - probe.last < quiet) await pause();
      return probe.last - probe.since;
    },
    off() {
      Object.assign(probe, { since: null, on: null });
    },
    /** From now on `sent` holds the comm messages of the open notebook that go to its kernel. */
    record() {
      const { kernel } = jupyterapp.shell.currentWidget.sessionContext.session;
      kernel.anyMessage.connect((_, { msg, direction }) => {
        if (direction !== "send" || msg.header.msg_type !== "comm_msg") return;
        const { method, state, content } = msg.content.data;
        probe.sent.push(method === "update" ? `trait ${Object.keys(state).sort()}` : (content?.kind ?? method));
      });
    },
  };

  const queued = new WeakSet();
  const pictures = new WeakMap();
  /** Waits for the GPU; the time then, and whether the picture is another than before. */
  function finish(gl) {
    const bound = gl.getParameter(gl.FRAMEBUFFER_BINDING);
    const { drawingBufferWidth: width, drawingBufferHeight: height } = gl;
    gl.bindFramebuffer(gl.FRAMEBUFFER, null);
    gl.readPixels(0, 0, 1, 1, gl.RGBA, gl.UNSIGNED_BYTE, new Uint8Array(4));
    const now = performance.now();
    const pixels = new Uint8Array(4 * width * height);
    gl.readPixels(0, 0, width, height, gl.RGBA, gl.UNSIGNED_BYTE, pixels);
    gl.bindFramebuffer(gl.FRAMEBUFFER, bound);
    let sum = width;
    for (const value of new Uint32Array(pixels.buffer)) sum = (Math.imul(sum, 31) + value) | 0;
    const other = pictures.get(gl) !== sum;
    pictures.set(gl, sum);
    return { now, other };
  }
  function drew(gl) {
    if (probe.since === null || queued.has(gl)) return;
    queued.add(gl);
    const { since } = probe;
    queueMicrotask(() => {
      queued.delete(gl);
      const { now, other } = finish(gl);
      if (probe.since !== since || !other) return;
      probe.last = now;
      probe.first ??= now;
      for (const resolve of probe.waiting.splice(0)) resolve();
    });
  }
  for (const { prototype } of [WebGLRenderingContext, WebGL2RenderingContext]) {
    for (const name of ["drawArrays", "drawElements", "drawArraysInstanced", "drawElementsInstanced"]) {
      const draw = prototype[name];
      if (draw === undefined) continue;
      prototype[name] = function (...args) {
        draw.apply(this, args);
        drew(this);
      };
    }
  }
  for (const type of ["mousemove", "mouseup", "input"]) {
    window.addEventListener(type, () => probe.on === type && probe.arm(), { capture: true });
  }
  window.probe = probe;
})();
