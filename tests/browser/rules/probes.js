// Notes every look at the device: what tells browsers apart, and every store. `touched` holds what was looked at.
(() => {
  const touched = (window.touched = []);
  const note = (holder, name, label) => {
    const own = holder && Object.getOwnPropertyDescriptor(holder, name);
    if (!own || !own.configurable) return;
    const wrap = (work) => work && function (...args) {
      touched.push(label);
      return Reflect.apply(work, this, args);
    };
    if (own.get) Object.defineProperty(holder, name, { ...own, get: wrap(own.get), set: own.set && wrap(own.set) });
    else if (typeof own.value === "function" && !/^[A-Z]/.test(name)) Object.defineProperty(holder, name, { ...own, value: wrap(own.value) });
    else if (typeof own.value === "function") {
      const made = new Proxy(own.value, { construct(target, args) { touched.push(label); return Reflect.construct(target, args); } });
      Object.defineProperty(holder, name, { ...own, value: made });
    }
  };
  const allowed = ["globalPrivacyControl", "doNotTrack"];
  for (const name of Object.getOwnPropertyNames(Navigator.prototype))
    if (name !== "constructor" && !allowed.includes(name)) note(Navigator.prototype, name, `navigator.${name}`);
  for (const type of ["Screen", "ScreenOrientation", "PluginArray", "Storage", "IDBFactory", "CacheStorage", "CookieStore",
    "NavigatorUAData", "NetworkInformation", "FontFaceSet", "MediaDevices", "Permissions", "PerformanceTiming", "History",
    "SpeechSynthesis", "WebGLRenderingContext", "WebGL2RenderingContext", "CanvasRenderingContext2D", "GPU", "Keyboard",
    "OffscreenCanvas", "StorageManager", "ServiceWorkerContainer", "MediaQueryList"]) {
    const holder = window[type]?.prototype;
    for (const name of holder ? Object.getOwnPropertyNames(holder) : [])
      if (name !== "constructor") note(holder, name, `${type}.${name}`);
  }
  for (const name of ["getContext", "toDataURL", "toBlob"]) note(HTMLCanvasElement.prototype, name, `canvas.${name}`);
  for (const name of ["AudioContext", "OfflineAudioContext", "OffscreenCanvas", "FontFace", "RTCPeerConnection", "Worker",
    "SharedWorker", "BroadcastChannel", "WebSocket", "XMLHttpRequest", "EventSource"]) note(window, name, `new ${name}`);
  for (const name of ["localStorage", "sessionStorage", "indexedDB", "caches", "cookieStore", "screen", "devicePixelRatio",
    "outerWidth", "outerHeight", "innerWidth", "innerHeight", "screenX", "screenY", "matchMedia", "visualViewport", "fetch",
    "speechSynthesis", "queryLocalFonts", "scrollY", "openDatabase", "name"]) note(window, name, `window.${name}`);
  for (const name of ["referrer", "fonts", "lastModified"]) note(Document.prototype, name, `document.${name}`);
  for (const name of ["getBoundingClientRect", "getClientRects"]) note(Element.prototype, name, `element.${name}`);
  for (const name of ["offsetWidth", "offsetHeight"]) note(HTMLElement.prototype, name, `element.${name}`);
  note(Date.prototype, "getTimezoneOffset", "date.getTimezoneOffset");
  note(Intl.DateTimeFormat.prototype, "resolvedOptions", "Intl.DateTimeFormat.resolvedOptions");
  note(Performance.prototype, "now", "performance.now");
  note(Performance.prototype, "getEntries", "performance.getEntries");
  note(Performance.prototype, "memory", "performance.memory");
  note(Navigator.prototype, "sendBeacon", "navigator.sendBeacon");
  // What was written to cookies; reading them is how the script knows that there is no choice.
  const cookie = Object.getOwnPropertyDescriptor(Document.prototype, "cookie");
  Object.defineProperty(Document.prototype, "cookie", {
    ...cookie,
    set(value) { touched.push("document.cookie="); cookie.set.call(this, value); },
  });
})();
