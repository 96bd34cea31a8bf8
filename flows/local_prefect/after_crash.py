"""What becomes of flow runs whose process or worker was killed, in words and numbers.

The automations of `deployments/` use it, and the flows, which say the same. It imports no Prefect.
"""

POOL = "notebake"
"""The work pool of our workers: only its flow runs go on by themselves."""
AUTOMATION = "Let crashed flow runs go on"
"""The name of the automation that starts them again."""
EXECUTIONS = 5
"""How often a flow run is executed, at most, unless somebody presses Retry: a run that crashes
each time, as in a worker with too little memory, would cost money for ever."""
MESSAGE = "It goes on by itself: its process or its worker was killed."
"""The message of the state that the automation sets."""
GOES_ON = (
    "wait two minutes, it goes on by itself in a worker that is free; if it does not, press Retry"
)
