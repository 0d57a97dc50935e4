# A service with one active instance: two are placed, and `lock` lets one of them run the program.
job "indexer" {
  datacenters = ["dc1"]

  group "indexer" {
    count = 2

    task "indexer" {
      driver = "exec"

      # Longer than the grace of the lock, so that the program is stopped in order.
      kill_timeout = "30s"

      config {
        command = "/usr/bin/baton"
        args    = ["lock", "service/indexer", "--", "/usr/local/bin/indexer"]
      }

      env {
        CONSUL_HTTP_ADDR = "127.0.0.1:8500"
      }
    }
  }
}
