"""The HTTP edge for the public: the script, events, choices; and the guard in front of every edge."""
