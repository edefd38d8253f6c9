{score_weights:Array(Float64)}[{score_as_of:Date} - day + 1]
