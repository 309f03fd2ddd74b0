// The peers that decrypt what passes, tapes aside: those that a figure can be compared with at equal duties.
export const interceptors = ['mockttp', 'mitmproxy', 'mitmproxy-write', 'claude-tap', 'http-mitm-proxy'] as const;
